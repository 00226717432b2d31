"""What a moderator sees of a server on the page of conversations: asked of Discord while they look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace

import discord

from bot.gateway.commands.access import UNSEEN, AccessRules, seen_by
from bot.gateway.commands.archived_threads import ArchivedThreads
from bot.gateway.current import CurrentClient
from bot.gateway.invocation import Asker
from bot.gateway.requests import UNREADABLE, timed

KEPT_SECONDS = 10.0
"""How long it is believed who a member is: what changes in Discord holds on the page after that."""
COMMAND = "page"


@dataclass(slots=True)
class Sight:
    """Which channels a member may see now. Without the server, the member or the permission for ``/page``: none.

    Roles and permissions of channels are those that the gateway told last; the member's roles are asked for again after
    :data:`KEPT_SECONDS`. Of archived threads those are seen that the log knows and Discord was asked for by now.
    """

    current: CurrentClient
    access: AccessRules
    archived: ArchivedThreads
    guild_id: int
    user_id: int
    clock: Callable[[], float] = time.monotonic
    _member: discord.Member | None = None
    _asked_at: float = field(default=float("-inf"))
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Who asks at the same time waits for the answer: until then nobody is known."""

    async def visible(self, channels: Collection[int]) -> Collection[int]:
        """Return those of some channels that the member may see."""
        guild = self._guild()
        if guild is None:
            return ()
        member = await self._fetched(guild)
        if member is None or self.access.refusal(self._asker(member), COMMAND) is not None:
            return ()
        known = {each: guild.get_channel_or_thread(each) for each in channels}
        archived = await self.archived.seen_by(member, guild, [each for each in known if known[each] is None])
        return [each for each, channel in known.items() if each in archived or seen_by(member, channel)]

    async def refusal(self, command: str, channel_id: int, *, anew: bool = True) -> str | None:
        """Return the sentence why the member may not use a command in a channel, None if they may.

        ``anew``: their roles are asked for again, however little time has passed.
        """
        guild = self._guild()
        if guild is None:
            return UNSEEN
        if anew:
            self._asked_at = float("-inf")
        member, channel = await self._fetched(guild), guild.get_channel_or_thread(channel_id)
        if member is not None and channel is None:
            # Discord's client takes no command in an archived thread, but one that names it from elsewhere.
            channel = (await self.archived.seen_by(member, guild, [channel_id])).get(channel_id)
        if member is None or channel is None or not seen_by(member, channel):
            return UNSEEN
        asker = replace(self._asker(member), permissions=channel.permissions_for(member).value)
        return self.access.refusal(asker, command)

    def _guild(self) -> discord.Guild | None:
        """Return the server, None where it is not there now."""
        guild = self.current.client.get_guild(self.guild_id) if self.current.client else None
        return None if guild is None or guild.unavailable else guild

    async def _fetched(self, guild: discord.Guild) -> discord.Member | None:
        async with self._asking:
            if self.clock() - self._asked_at >= KEPT_SECONDS:
                # Also who is not found is asked for no sooner again.
                self._member, self._asked_at = None, self.clock()
                with suppress(*UNREADABLE):
                    async with timed():
                        self._member = await guild.fetch_member(self.user_id)
            return self._member

    def _asker(self, member: discord.Member) -> Asker:
        roles = frozenset(role.id for role in member.roles)
        return Asker(self.user_id, member.guild_permissions.value, roles, self.guild_id)
