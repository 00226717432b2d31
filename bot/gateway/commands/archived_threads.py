"""Archived threads, of which the gateway does not tell: asked for while somebody looks, a few at once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping
from datetime import datetime
from functools import partial
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
"""Requests while somebody waits; Discord takes 50 a second in all (docs: rate limits)."""
PAGE = 100
"""The most archived threads in one page of a channel's list (docs: list public archived threads)."""
WAIT_SECONDS = 5.0
"""How long somebody waits for the answers; what comes later is known the next time."""
FORBIDDEN_SECONDS = 600.0
"""How long a thread that the bot may not see is not asked for again."""
REMEMBERED = 20_000
"""Of threads that are not there, how many are remembered."""

LISTING = (discord.TextChannel, discord.ForumChannel)
"""The channels that list archived threads."""

Parents = Mapping[int, discord.abc.GuildChannel]
Ask = Callable[[discord.Client], Coroutine[None, None, None]]


class ArchivedThreads:
    """Finds archived threads; ``reader`` reads the log, which tells the channels of threads that were written in.

    A thread keeps its channel and its kind, so it is asked for once in a session of the gateway. It is asked for again
    after something was recorded of it, since it may be deleted or have another name. ``background`` keeps the requests.
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
        """By the id of the thread, or of the channel whose list is asked for."""
        self._changed: set[int] = set()
        """Of what something was recorded meanwhile: an answer may be an old one."""
        self._missing: LRUCache[int, float] = LRUCache(REMEMBERED)
        """When it was that Discord refused to show a thread; infinite for one that is gone, which stays so."""
        self._parents: dict[int, int] = {}
        self._read_upto = 0
        self._listed_to: dict[int, datetime] = {}
        """Where the next page of a channel's list begins."""
        self._listed: set[int] = set()
        """The channels whose lists have no other page."""

    async def seen_by(
        self, member: discord.Member, guild: discord.Guild, channels: Collection[int]
    ) -> Mapping[int, discord.Thread]:
        """Return those of some channels that are archived threads of a server and that a member of it can see.

        :data:`MOST_ASKED` requests are made at most, for the first ones, and none about a channel that the member can't
        see.
        """
        if any(self._is_unknown(each, guild) for each in channels):
            await self._read_parents()
            lists = self._lists(self._unknown(member, guild, channels))
            await self._ask(lists)
            # A list has no private threads, and none that came to the archive since.
            left = list(self._unknown(member, guild, channels))[: MOST_ASKED - len(lists)]
            await self._ask({each: partial(self._look, each) for each in left})
        found = {each: self._known(each, guild) for each in channels}
        return {each: thread for each, thread in found.items() if thread is not None and seen_by(member, thread)}

    def observe(self, channel_id: int, _state: Conversation, _new: tuple[Recorded, ...]) -> None:
        """Take new events of a channel: what was known of it may be no longer so."""
        self._current.archived.pop(channel_id, None)
        self._missing.pop(channel_id, None)
        if self._asking:
            self._changed.add(channel_id)

    def forget(self) -> None:
        """Forget all threads after an outage or with a new session: nobody told what became of them meanwhile."""
        self._current.archived.clear()
        self._listed_to.clear()
        self._listed.clear()

    def _known(self, thread_id: int, guild: discord.Guild) -> discord.Thread | None:
        """Return a thread that was found in this session: each session has its own object for a server."""
        thread = self._current.archived.get(thread_id)
        return thread if thread is not None and thread.guild is guild else None

    def _is_unknown(self, thread_id: int, guild: discord.Guild) -> bool:
        missing_for = self._clock() - self._missing.get(thread_id, -inf)
        return self._known(thread_id, guild) is None and missing_for >= FORBIDDEN_SECONDS

    def _unknown(self, member: discord.Member, guild: discord.Guild, channels: Collection[int]) -> Parents:
        """Return the threads that may be asked for, each with its channel, which the member can see."""
        unknown = [each for each in channels if self._is_unknown(each, guild)]
        parents = {each: guild.get_channel(self._parents.get(each, 0)) for each in unknown}
        seen = {parent for parent in {*parents.values()} if seen_by(member, parent)}
        return {each: parent for each, parent in parents.items() if parent is not None and parent in seen}

    def _lists(self, unknown: Parents) -> Mapping[int, Ask]:
        """Return the lists to ask for: of channels with several unknown threads, because each tells many."""
        several = [channel for channel, count in Counter(unknown.values()).items() if count > 1]
        lists = [each for each in several if isinstance(each, LISTING) and each.id not in self._listed]
        return {each.id: partial(self._list, each) for each in lists[:MOST_ASKED]}

    async def _read_parents(self) -> None:
        """Read from the log what it tells of threads since the last time."""
        head = await self._reader.head(BOT_STREAM)
        if head > self._read_upto:
            query = Query(BOT_STREAM, (ThreadSeen.TYPE,), first_version=self._read_upto + 1, last_version=head)
            async for recorded in self._reader.events(query):
                if isinstance(recorded.event, ThreadSeen):
                    self._parents[recorded.event.channel_id] = recorded.event.parent_id
            self._read_upto = head

    async def _ask(self, asks: Mapping[int, Ask]) -> None:
        """Make requests, unless they are under way, and wait for the answers."""
        client = self._current.client
        if client is None or not asks:
            return
        for key, ask in asks.items():
            if key not in self._asking:
                self._asking[key] = self._background.start(self._answered(key, ask(client)))
        await asyncio.wait([self._asking[key] for key in asks], timeout=WAIT_SECONDS)

    async def _answered(self, key: int, asking: Coroutine[None, None, None]) -> None:
        try:
            await asking
        finally:
            del self._asking[key]
            if not self._asking:
                self._changed.clear()

    async def _list(self, channel: discord.TextChannel | discord.ForumChannel, _client: discord.Client) -> None:
        """Ask for the next page of a channel's public archived threads, and remember those that the log knows."""
        before = self._listed_to.get(channel.id)
        try:
            async with timed():
                page = [each async for each in channel.archived_threads(limit=PAGE, before=before)]
        except discord.Forbidden:
            page = []
        except UNREADABLE:
            return
        if len(page) == PAGE:
            self._listed_to[channel.id] = page[-1].archive_timestamp
        else:
            self._listed.add(channel.id)
        for each in page:
            if each.id in self._parents and each.id not in self._changed:
                self._current.archived[each.id] = each

    async def _look(self, thread_id: int, client: discord.Client) -> None:
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
            return
        if thread_id in self._changed:
            return
        if isinstance(thread, discord.Thread):
            self._current.archived[thread_id] = thread
        else:
            self._missing[thread_id] = missing_at
