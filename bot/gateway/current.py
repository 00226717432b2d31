"""The client that is connected to Discord now. Other parts ask here, because a client is replaced when it dies."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from dataclasses import dataclass, field

import discord
from cachetools import LRUCache

from bot.core.addressing import Own
from bot.gateway.discord_time import DiscordTime
from bot.gateway.places import surroundings
from bot.gateway.reconnects import Reconnects
from bot.replies.place_settings import Surroundings

OPENED = 1000
"""How many threads are remembered that were opened just now."""
ARCHIVED = 20_000
"""How many archived threads are remembered, at 0.7 kB each."""


@dataclass(slots=True)
class CurrentClient:
    """Holds the client (None before the first); ``connected`` is set while it has a session.

    ``opened`` holds the channel above each thread that was opened just now: the gateway may tell of it later.
    ``archived`` holds the archived threads that were asked for: the gateway does not tell of them.
    ``time`` is the time by Discord's answers, ``reconnects`` counts failed connections.
    """

    time: DiscordTime
    client: discord.Client | None = None
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    reconnects: Reconnects = field(default_factory=Reconnects)
    opened: LRUCache[int, int] = field(default_factory=lambda: LRUCache(OPENED))
    archived: LRUCache[int, discord.Thread] = field(default_factory=lambda: LRUCache(ARCHIVED))

    @property
    def own_id(self) -> int:
        """Return the id of the bot's account; 0 before the first connection."""
        return self.client.user.id if self.client and self.client.user else 0

    def around(self, channel_id: int) -> Surroundings:
        """Return the surroundings of a channel."""
        return surroundings(self.client, channel_id, self.opened.get(channel_id, 0))

    def server_of(self, channel_id: int) -> int | None:
        """Return the server of a channel, None for a private or unknown channel."""
        return self.around(channel_id).guild_id

    def channel_name(self, channel_id: int) -> str:
        """Return the name of a channel or thread, "" where it is not known."""
        known = self.client.get_channel(channel_id) if self.client else None
        return getattr(known or self.archived.get(channel_id), "name", None) or ""

    def server_name(self, guild_id: int) -> str:
        """Return the name of a server, "" where the client does not know it."""
        return getattr(self.client and self.client.get_guild(guild_id), "name", None) or ""

    def called(self, channel_id: int, names: tuple[str, ...] = ()) -> Own:
        """Return what calls the bot in a channel; ``names`` are its names by the settings."""
        return Own(self.own_id, self.own_role(self.server_of(channel_id)), names)

    def has_bot(self, guild_id: int, bots: Container[int]) -> bool:
        """Tell whether one of some bots is on a server, by the role that Discord makes for it (docs: role tags)."""
        guild = self.client.get_guild(guild_id) if self.client else None
        return any(role.tags is not None and role.tags.bot_id in bots for role in (guild.roles if guild else ()))

    def own_role(self, guild_id: int | None) -> int:
        """Return the id of the role that only the bot has in a server, 0 if there is none (docs: role tags)."""
        guild = self.client.get_guild(guild_id) if self.client and guild_id else None
        role = guild.self_role if guild else None
        return role.id if role else 0
