"""The client that speaks to Discord just now: each session may have another one, and whoever asks goes by this."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import discord

from bot.gateway.places import surroundings
from bot.replies.personas import Surroundings


@dataclass(slots=True)
class CurrentClient:
    """Holds the client (None: there is none yet); ``connected`` is set while it has a session."""

    client: discord.Client | None = None
    connected: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def own_id(self) -> int:
        """Return the id of the bot's account; 0 before the first connection."""
        return self.client.user.id if self.client and self.client.user else 0

    def around(self, channel_id: int) -> Surroundings:
        """Return what a channel belongs to."""
        return surroundings(self.client, channel_id)

    def server_of(self, channel_id: int) -> int | None:
        """Return the server of a channel, None for a private one, or one that is not known."""
        return self.around(channel_id).guild_id
