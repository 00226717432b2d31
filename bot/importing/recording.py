"""Messages from files go into the log, each once, in the order of the files.

Nothing here notes how far it has come: what is recorded is known by its key, so a run that was killed is simply made
again. No erased word comes back: neither by a message whose words were erased (its key stays), nor by one that was
deleted, nor by people who asked to be forgotten or not to be recorded.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice

from bot.core.events import ChannelDeleted, Draft, KeyKind, ReplySent, ServerLeft, ThreadSeen
from bot.core.streams import BOT_STREAM, guild_stream, stream_of
from bot.eventlog.known_messages import known_messages
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.eventlog.snapshots import EVERY
from bot.importing.found import Aside, Begun, Findings, Found, Place
from bot.importing.people import People

BATCH = 1000
"""Messages that are looked up and recorded together."""

IMPORTED, KNOWN, ERASED = "imported", "known", "it was erased or deleted"
LEFT_OUT, TOO_OLD = "left out by --channel or --since", "it is older than retention keeps words"
_FUTURE = "its id is of a time to come"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages to take: of ``channels`` (empty: all), from ``since`` on; ``now`` is the present moment.

    ``oldest`` returns the moment from which on retention keeps words in a place, None where it keeps them for ever.
    """

    now: int
    channels: Collection[int] = ()
    since: int | None = None
    oldest: Callable[[Place], int | None] = lambda _place: None

    def refusal(self, found: Found) -> str:
        """Return why a message is not wanted, "" if it is."""
        _, place, event, _ = found
        if self.channels and place.channel_id not in self.channels:
            return LEFT_OUT
        if self.since is not None and event.sent_at < self.since:
            return LEFT_OUT
        oldest = self.oldest(place)
        return TOO_OLD if oldest is not None and event.sent_at < oldest else ""


@dataclass(frozen=True, slots=True)
class _Channel:
    """What the log knows of a channel: until when all of it was erased, and the ids of the bot's answers there."""

    erased_until: int = 0
    answers: frozenset[int] = frozenset()


@dataclass(slots=True)
class Importer:
    """Sorts what parsers find, and records it in ``log`` (None: it is only counted).

    ``set_aside`` is called with the file and what can't be imported of it. ``counts`` says by its fate how many
    messages there were, ``channels`` how many were imported into each channel.
    """

    reader: Reader | None
    log: EventLog | None
    wanted: Wanted
    set_aside: Callable[[str, Aside], object]
    counts: Counter[str] = field(default_factory=Counter)
    channels: Counter[int] = field(default_factory=Counter)
    _people: People = field(default_factory=People)
    _known: dict[int, _Channel] = field(default_factory=dict)
    _counted: set[int] = field(default_factory=set)
    _file: str = ""

    async def run(self, findings: Iterator[Findings], progress: Callable[[int], object]) -> None:
        """Take all that parsers find; ``progress`` is called with the number of findings of each batch.

        The next batch is parsed while the one before is written.
        """
        if self.reader is not None:
            await self._people.load(self.reader)
        writing: asyncio.Future[list[object]] | None = None
        while batch := await asyncio.to_thread(list, islice(findings, BATCH)):
            if writing is not None:
                await writing
            new = [each async for each in self._new(list(self._sorted(batch)))]
            writing = self._record(new) if self.log is not None else None
            self.counts.update(IMPORTED for _ in new)
            self.channels.update(each.place.channel_id for each in new)
            progress(len(batch))
        if writing is not None:
            await writing
        await self._take_snapshots()

    def _sorted(self, batch: Iterable[Findings]) -> Iterator[Found]:
        """Yield the messages that the file and the settings let in; count or set aside the others."""
        for each in batch:
            if isinstance(each, Begun):
                self._file = each.file
            elif isinstance(each, Aside):
                self.set_aside(self._file, each)
            elif each.event.sent_at > self.wanted.now:
                self.set_aside(self._file, Aside(each.number, _FUTURE, each.event.message_id))
            elif refusal := self.wanted.refusal(each):
                self.counts[refusal] += 1
            elif withheld := self._people.withhold(each.event.author_id, each.event.sent_at):
                self.counts[withheld.value] += 1
            else:
                yield each

    async def _new(self, messages: list[Found]) -> AsyncIterator[Found]:
        """Yield the messages that the log does not know in any way, each once."""
        taken = self._counted if self.log is None else set[int]()
        for channel_id, group in groupby(messages, _channel_of):
            run = list(group)
            known, deleted = await self._in_log(channel_id, run)
            channel = await self._channel(run[0].place)
            for each in run:
                message_id = each.event.message_id
                if message_id in known or message_id in channel.answers or message_id in taken:
                    self.counts[KNOWN] += 1
                elif message_id in deleted or each.event.sent_at <= channel.erased_until:
                    self.counts[ERASED] += 1
                else:
                    taken.add(message_id)
                    yield each

    async def _in_log(self, channel_id: int, run: list[Found]) -> tuple[set[int], set[int]]:
        if self.reader is None:
            return set(), set()
        return await known_messages(self.reader, stream_of(channel_id), [each.event.message_id for each in run])

    async def _channel(self, place: Place) -> _Channel:
        """Return what the log knows of a channel; it is read once."""
        if place.channel_id not in self._known:
            self._known[place.channel_id] = await self._read_channel(place) if self.reader else _Channel()
        return self._known[place.channel_id]

    async def _read_channel(self, place: Place) -> _Channel:
        stream = stream_of(place.channel_id)
        erased = [await self._newest(stream, ChannelDeleted.TYPE)]
        if place.guild_id is not None:
            erased.append(await self._newest(guild_stream(place.guild_id), ServerLeft.TYPE))
        sent = await self.reader.find(stream, KeyKind.SENT) if self.reader else []
        answers = frozenset(each.event.sent_id for each in sent if isinstance(each.event, ReplySent))
        return _Channel(max(erased), answers)

    async def _newest(self, stream: str, type_name: str) -> int:
        """Return when the newest event of a type was recorded in a stream, 0 where there is none."""
        if self.reader is None or not await self.reader.head(stream):
            return 0
        query = Query(stream=stream, types=(type_name,), newest_first=True)
        return max([each.recorded_at async for each in self.reader.events(query, limit=1)], default=0)

    def _record(self, new: list[Found]) -> asyncio.Future[list[object]] | None:
        """Give messages to the log, in their order: each is whole by itself, and all of a run are in one commit."""
        if self.log is None or not new:
            return None
        appending: list[Awaitable[object]] = []
        for channel_id, group in groupby(new, _channel_of):
            run = list(group)
            if (parent_id := run[0].place.parent_id) and channel_id not in self.channels:
                # When the channel is deleted, Discord does not name its archived threads.
                seen = Draft(ThreadSeen(channel_id=channel_id, parent_id=parent_id))
                appending.append(self.log.append_units(BOT_STREAM, [(seen,)]))
            units = [(Draft(each.event, each.body, subject_id=each.event.author_id),) for each in run]
            appending.append(self.log.append_units(stream_of(channel_id), units))
        return asyncio.gather(*appending)

    async def _take_snapshots(self) -> None:
        """Take one of each channel with many new messages, so that the bot starts as fast as before."""
        for channel_id, count in self.channels.items():
            if self.log is not None and count >= EVERY:
                loaded = await self.log.reader.load(stream_of(channel_id))
                await self.log.save_snapshot(stream_of(channel_id), loaded.state)


def _channel_of(each: Found) -> int:
    return each.place.channel_id
