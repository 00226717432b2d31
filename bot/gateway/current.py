"""The client that is connected to Discord now. Other parts ask here, because a client is replaced when it dies."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import discord

from bot.gateway.places import surroundings
from bot.replies.place_settings import Surroundings


@dataclass(slots=True)
class CurrentClient:
    """Holds the client (None before the first); ``connected`` is set while it has a session."""

    client: discord.Client | None = None
    connected: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def own_id(self) -> int:
        """Return the id of the bot's account; 0 before the first connection."""
        return self.client.user.id if self.client and self.client.user else 0

    def around(self, channel_id: int) -> Surroundings:
        """Return the surroundings of a channel."""
        return surroundings(self.client, channel_id)

    def server_of(self, channel_id: int) -> int | None:
        """Return the server of a channel, None for a private or unknown channel."""
        return self.around(channel_id).guild_id
