"""Archived threads, of which the gateway does not tell: asked for by their ids while somebody looks, a few at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from math import inf

import discord
from cachetools import LRUCache

from bot.background import Background
from bot.core.conversation import Conversation
from bot.core.events import Recorded, ThreadSeen
from bot.core.streams import BOT_STREAM
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.gateway.commands.access import seen_by
from bot.gateway.current import CurrentClient
from bot.gateway.requests import UNREADABLE, timed

MOST_ASKED = 20
"""Threads that Discord is asked for while somebody waits; it takes 50 requests a second in all (docs: rate limits)."""
WAIT_SECONDS = 5.0
"""How long somebody waits for the answers; what comes later is known the next time."""
FORBIDDEN_SECONDS = 600.0
"""How long a thread that the bot may not see is not asked for again."""
REMEMBERED = 20_000
"""Of threads that are not there, how many are remembered."""


class ArchivedThreads:
    """Finds archived threads; ``reader`` reads the log, which tells the channels of threads that were written in.

    A thread keeps its channel and its kind, so it is asked for once in a session of the gateway, and again after
    something was recorded of it: it may be deleted then, or have another name. ``background`` keeps the requests.
    """

    def __init__(
        self,
        current: CurrentClient,
        reader: Reader,
        background: Background,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._current = current
        self._reader = reader
        self._background = background
        self._clock = clock
        self._asking: dict[int, asyncio.Task[None]] = {}
        self._missing: LRUCache[int, float] = LRUCache(REMEMBERED)
        """When it was that Discord refused to show a thread; infinite for one that is gone, which stays so."""
        self._parents: dict[int, int] = {}
        self._read_upto = 0

    async def seen_by(
        self, member: discord.Member, guild: discord.Guild, channels: Collection[int]
    ) -> Mapping[int, discord.Thread]:
        """Return those of some channels that are archived threads of a server and that a member of it can see.

        Discord is asked for :data:`MOST_ASKED` at most, the first ones, and for none in a channel that the member can't
        see.
        """
        if any(self._is_unknown(each, guild) for each in channels):
            await self._read_parents()
            unknown = [each for each in channels if self._is_unknown(each, guild)]
            parents = {each: guild.get_channel(self._parents.get(each, 0)) for each in unknown}
            await self._ask([each for each, parent in parents.items() if seen_by(member, parent)][:MOST_ASKED])
        found = {each: self._known(each, guild) for each in channels}
        return {each: thread for each, thread in found.items() if seen_by(member, thread) and thread is not None}

    def observe(self, channel_id: int, _state: Conversation, _new: tuple[Recorded, ...]) -> None:
        """Take new events of a channel: what was known of it, or is being asked, may be no longer so."""
        for known in (self._current.archived, self._missing, self._asking):
            known.pop(channel_id, None)

    def _known(self, thread_id: int, guild: discord.Guild) -> discord.Thread | None:
        """Return a thread that was found in this session: each session has its own object for a server."""
        thread = self._current.archived.get(thread_id)
        return thread if thread is not None and thread.guild is guild else None

    def _is_unknown(self, thread_id: int, guild: discord.Guild) -> bool:
        missing_for = self._clock() - self._missing.get(thread_id, -inf)
        return self._known(thread_id, guild) is None and missing_for >= FORBIDDEN_SECONDS

    async def _read_parents(self) -> None:
        """Read from the log what it tells of threads since the last time."""
        head = await self._reader.head(BOT_STREAM)
        if head > self._read_upto:
            query = Query(BOT_STREAM, (ThreadSeen.TYPE,), first_version=self._read_upto + 1, last_version=head)
            async for recorded in self._reader.events(query):
                if isinstance(recorded.event, ThreadSeen):
                    self._parents[recorded.event.channel_id] = recorded.event.parent_id
            self._read_upto = head

    async def _ask(self, threads: Collection[int]) -> None:
        client = self._current.client
        if client is None or not threads:
            return
        for each in threads:
            if each not in self._asking:
                self._asking[each] = self._background.start(self._look(client, each))
        await asyncio.wait([self._asking[each] for each in threads], timeout=WAIT_SECONDS)

    async def _look(self, client: discord.Client, thread_id: int) -> None:
        """Ask for a thread, and remember it, or that it is missing; while Discord is away neither is known."""
        thread, missing_at = None, inf
        try:
            async with timed():
                thread = await client.fetch_channel(thread_id)
        except discord.Forbidden:
            missing_at = self._clock()
        except (discord.NotFound, discord.InvalidData):
            pass
        except UNREADABLE:
            missing_at = -inf
        if self._asking.get(thread_id) is not asyncio.current_task():
            return  # Something was recorded of it meanwhile, so the answer may be an old one.
        del self._asking[thread_id]
        if isinstance(thread, discord.Thread):
            self._current.archived[thread_id] = thread
        else:
            self._missing[thread_id] = missing_at
