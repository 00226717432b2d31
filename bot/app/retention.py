"""Retention: the running bot erases words that are older than the settings let them be.

It looks once an hour, and at the start. What it erases is the words alone; receipts with the reason ``retention`` say
so. A run that was killed is simply made again: what is erased already is not found. A persona is a setting and no
conversation, so its age does not count. Where a reply is open, nothing is erased until it is finished, since it may be
written from these words.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from bot.core.events import ErasureReason, PlainEvent
from bot.core.streams import channel_of, guild_of
from bot.errors import EcholessError
from bot.eventlog.erasing import Wanted, erase
from bot.eventlog.log import EventLog
from bot.eventlog.oldest_words import oldest_words, parents_in_log, parents_note, server_in_log
from bot.loading import place_of
from bot.moderation.context import RetentionStatus
from bot.replies.place_settings import Surroundings
from bot.times import HOUR, SECOND

EVERY = HOUR

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ages:
    """How long words are kept, in microseconds (None: without an end): everywhere, by server, by channel."""

    everywhere: int | None
    servers: Mapping[int, int | None]
    channels: Mapping[int, int | None]

    @property
    def least(self) -> int | None:
        """Return the shortest age of all, None where nothing is ever erased."""
        ages = (self.everywhere, *self.servers.values(), *self.channels.values())
        return min((age for age in ages if age is not None), default=None)

    def of(self, *, channel_id: int | None = None, parent_id: int | None = None, guild_id: int | None) -> int | None:
        """Return the age that is set nearest: for the channel, a thread's parent, the server, everywhere."""
        for ages, place in ((self.channels, channel_id), (self.channels, parent_id), (self.servers, guild_id)):
            if place is not None and place in ages:
                return ages[place]
        return self.everywhere


class Retention:
    """Erases words that are older than ``ages`` allow.

    ``record`` appends a receipt to a stream, ``around`` returns what a channel belongs to as far as Discord tells (once
    ``connected`` is set), ``clock`` microseconds since the epoch. ``trouble`` says why the last run failed ("": it did
    not), ``done_at`` when the last one ended well (0: none yet), ``erased`` the number of events whose words this
    process has erased.
    """

    def __init__(
        self,
        ages: Ages,
        log: EventLog,
        record: Callable[[str, PlainEvent], Awaitable[object]],
        around: Callable[[int], Surroundings],
        connected: asyncio.Event,
        clock: Callable[[], int],
    ) -> None:
        self.ages = ages
        self._log = log
        self._record = record
        self._around = around
        self._connected = connected
        self._clock = clock
        self._parents: dict[int, int] | None = None
        self.trouble = ""
        self.done_at = 0
        self.erased = 0

    @property
    def status(self) -> RetentionStatus | None:
        """Return how it goes, None where nothing is ever erased."""
        return None if self.ages.least is None else RetentionStatus(self.done_at or None, self.erased, self.trouble)

    @asynccontextmanager
    async def running(self, every: int = EVERY) -> AsyncIterator[None]:
        """Erase within the context, if the settings say so."""
        if self.ages.least is None:
            yield
            return
        task = asyncio.create_task(self._run(every), name="retention")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _run(self, every: int) -> None:
        while True:
            await self._connected.wait()
            try:
                await self.enforce()
            except Exception as error:  # noqa: BLE001 - words must not be kept for ever because of one failure
                self.trouble = str(error) if isinstance(error, EcholessError) else place_of(error)
                _log.error("retention.failed", reason=self.trouble)
            await asyncio.sleep(every / SECOND)

    async def enforce(self) -> int:
        """Erase what is too old by now; return the number of events whose words went. Raises LogError."""
        now, count = self._clock(), 0
        oldest = await oldest_words(self._log.aside)
        open_streams = frozenset(await self._log.aside.unfinished())
        await self._learn_parents(oldest)
        for stream, moment in oldest.items():
            if stream in open_streams or self.ages.least is None or moment >= now - self.ages.least:
                continue
            age = await self._age(stream)
            if age is not None and moment < now - age:
                wanted = Wanted(stream=stream, before=now - age, personas=False)
                count += (await erase(self._log, wanted, ErasureReason.RETENTION, record=self._record)).events
        self.trouble, self.done_at, self.erased = "", now, self.erased + count
        if count:
            _log.info("retention.erased", events=count)
        return count

    async def _age(self, stream: str) -> int | None:
        channel_id = channel_of(stream)
        if channel_id is None:
            return self.ages.of(guild_id=guild_of(stream))
        guild_id = self._around(channel_id).guild_id or await server_in_log(self._log.aside, channel_id)
        parent_id = (self._parents or {}).get(channel_id)
        return self.ages.of(channel_id=channel_id, parent_id=parent_id, guild_id=guild_id)

    async def _learn_parents(self, streams: Mapping[str, int]) -> None:
        """Note the parents of threads while Discord tells them: those of archived threads it does not."""
        if not self.ages.channels:
            return
        before = await parents_in_log(self._log.aside) if self._parents is None else self._parents
        channels = [channel_id for stream in streams if (channel_id := channel_of(stream)) is not None]
        told = {channel_id: self._around(channel_id).parent_id for channel_id in channels}
        self._parents = before | {channel_id: parent_id for channel_id, parent_id in told.items() if parent_id}
        if self._parents != before:
            await self._log.note(*parents_note(self._parents))
