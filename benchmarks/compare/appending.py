"""How each contender appends the same messages: a hundred callers, each with a stream of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

from benchmarks.compare import echoless
from benchmarks.compare.bench import Bench
from benchmarks.compare.contenders import (
    raw_sqlite,
    with_eventsource,
    with_eventsourcing,
    with_py_event_sourcing,
    with_umadb,
)
from benchmarks.compare.load import Load, callers, in_turn, threads
from bot.core import events as e
from bot.core.streams import stream_of
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog

CALLERS = 100
Drafts: TypeAlias = Sequence[Sequence[e.Draft]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contender writes; ``full``: enough that its write-ahead log has to be copied into the database."""

    folder: Path
    full: bool

    @contextmanager
    def copying(self, database: Path) -> Iterator[None]:
        """Raise RuntimeError if no page was copied into the database meanwhile: the checkpoint's cost would be missing.

        Only a checkpoint writes to the file itself.
        """
        before = database.stat().st_mtime_ns
        yield
        if self.full and database.stat().st_mtime_ns == before:
            raise RuntimeError(f"No checkpoint within the time measured: append more events to {database.name}.")


def drafts(bench: Bench, each: int) -> Drafts:
    """Return the same messages for every contender: ``each`` for each caller, after the one its stream begins with."""
    return [
        [echoless.draft(bench.chat, number * CALLERS + caller) for number in range(each + 1)]
        for caller in range(CALLERS)
    ]


async def append_at_once(log: EventLog, work: Drafts, place: Place, *, first: int = 0) -> Load:
    """Append to new streams, one for each caller from ``first`` on; each stream is begun before time runs."""
    items = [
        [(stream_of(caller), version, draft) for version, draft in enumerate(mine)]
        for caller, mine in enumerate(work, first)
    ]

    async def call(item: tuple[str, int, e.Draft]) -> None:
        stream, version, draft = item
        await log.append(stream, (draft,), expected_version=version)

    await callers([mine[:1] for mine in items], call)
    with place.copying(Location(place.folder).database):
        return await callers([mine[1:] for mine in items], call)


async def _ours(place: Place, work: Drafts) -> Load:
    async with echoless.opened(place.folder) as log:
        return await append_at_once(log, work, place)


async def _raw(place: Place, work: Drafts) -> Load:
    rows = raw_rows(work)
    database = place.folder / "raw.db"
    with raw_sqlite.opened(database) as connection:
        in_turn([mine[:1] for mine in rows], lambda row: raw_sqlite.append(connection, row))
        with place.copying(database):
            return in_turn([mine[1:] for mine in rows], lambda row: raw_sqlite.append(connection, row))


def raw_rows(work: Drafts) -> list[list[raw_sqlite.RowOf]]:
    """Return the messages as plain rows."""
    return [
        [raw_sqlite.row(caller, version, draft) for version, draft in enumerate(mine, 1)]
        for caller, mine in enumerate(work)
    ]


def in_batches(place: Place, work: Drafts) -> float:
    """Return the events a second of plain rows, a thousand in a transaction."""
    rows = [row for turn in zip(*raw_rows(work), strict=True) for row in turn]
    database = place.folder / "raw.db"
    with raw_sqlite.opened(database) as connection, place.copying(database):
        began = perf_counter()
        for at in range(0, len(rows), raw_sqlite.BATCH):
            raw_sqlite.append_many(connection, rows[at : at + raw_sqlite.BATCH])
        return len(rows) / (perf_counter() - began)


async def _eventsourcing_threads(place: Place, work: Drafts) -> Load:
    return _eventsourcing(place, work, threads)


async def _eventsourcing_in_turn(place: Place, work: Drafts) -> Load:
    return _eventsourcing(place, work, in_turn)


def _eventsourcing(place: Place, work: Drafts, way: Callable[..., Load]) -> Load:
    with with_eventsourcing.opened(place.folder) as application:
        events = begun(application, work)
        with place.copying(place.folder / with_eventsourcing.FILE_NAME):
            return way(events, application.save)


def begun(application: with_eventsourcing.Channels, work: Drafts) -> list[list[object]]:
    """Begin each caller's stream, and return the events that go on with it."""
    events = []
    for caller, mine in enumerate(work):
        stream = stream_of(caller)
        application.save(with_eventsourcing.first(stream))
        more = enumerate(mine[1:], 2)
        events.append([with_eventsourcing.stored(stream, version, draft.event, draft.body) for version, draft in more])
    return events


async def _eventsource(place: Place, work: Drafts) -> Load:
    events = [
        [with_eventsource.received(stream_of(caller), version, draft) for version, draft in enumerate(mine, 1)]
        for caller, mine in enumerate(work)
    ]
    database = place.folder / "eventsource.db"
    async with with_eventsource.opened(database) as store:
        await callers([mine[:1] for mine in events], lambda event: with_eventsource.append(store, event))
        with place.copying(database):
            return await callers([mine[1:] for mine in events], lambda event: with_eventsource.append(store, event))


async def _py_event_sourcing(place: Place, work: Drafts) -> Load:
    writes = [
        [
            with_py_event_sourcing.Write(caller, version, with_py_event_sourcing.candidate(draft))
            for version, draft in enumerate(mine)
        ]
        for caller, mine in enumerate(work)
    ]
    database = place.folder / "streams.db"
    async with AsyncExitStack() as stack:
        streams = await stack.enter_async_context(with_py_event_sourcing.opened(database, len(work)))

        async def call(write: with_py_event_sourcing.Write) -> None:
            await with_py_event_sourcing.append(streams, write)

        await callers([mine[:1] for mine in writes], call)
        with place.copying(database):
            return await callers([mine[1:] for mine in writes], call)


async def _umadb(place: Place, work: Drafts) -> Load:
    with with_umadb.opened(place.folder) as client:
        streams = [with_umadb.Stream(client, stream_of(caller)) for caller in range(len(work))]
        items = [
            [(streams[caller], with_umadb.event(stream_of(caller), draft)) for draft in mine]
            for caller, mine in enumerate(work)
        ]
        threads([mine[:1] for mine in items], lambda item: item[0].append(item[1]))
        return threads([mine[1:] for mine in items], lambda item: item[0].append(item[1]))


Way: TypeAlias = Callable[[Place, Drafts], Awaitable[Load]]
OURS = "echoless"
EVENTSOURCING: Mapping[str, Way] = {"one thread": _eventsourcing_in_turn, "100 threads": _eventsourcing_threads}
"""The ways to call it, of which the faster one is measured."""

WAYS: Mapping[str, Way] = {
    OURS: _ours,
    raw_sqlite.NAME: _raw,
    with_eventsource.NAME: _eventsource,
    with_py_event_sourcing.NAME: _py_event_sourcing,
    **({with_umadb.NAME: _umadb} if with_umadb.installed() else {}),
}
