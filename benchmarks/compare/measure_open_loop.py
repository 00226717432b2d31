"""Appends in an open loop: so many a second, whatever became of those before, as people write."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.compare import echoless
from benchmarks.compare.appending import CALLERS, Drafts, Place, begun, drafts, raw_rows
from benchmarks.compare.bench import Bench
from benchmarks.compare.contenders import raw_sqlite, with_eventsourcing
from benchmarks.compare.figures import Row, Samplings, fixed, percentile
from benchmarks.compare.load import Load, T, callers, scheduled
from bot.core import events as e
from bot.core.streams import stream_of
from bot.eventlog.location import Location

SLOW, FAST = 1_000, 10_000
"""Events a second."""

LIMIT = 5.0
"""Milliseconds for the 99th percentile at the fast rate."""


async def open_loop(bench: Bench) -> list[Row]:
    """Measure how long an append takes from the moment it is due: without coordinated omission."""
    seconds = bench.pick(3, 1)
    works = {rate: drafts(bench, seconds * rate // CALLERS) for rate in (SLOW, FAST)}
    seen = Samplings()
    for _ in bench.rounds("append, open loop"):
        for rate, work in works.items():
            _note(seen, f"ours {rate}", await _ours(Place(bench.place("open"), full=not bench.quick), work, rate))
        _note(seen, "raw", await _raw(Place(bench.place("open"), full=not bench.quick), works[SLOW]))
        _note(seen, "theirs", await _eventsourcing(Place(bench.place("open"), full=not bench.quick), works[SLOW]))
    return _rows(seen)


def _note(seen: Samplings, name: str, load: Load) -> None:
    for share in (50, 99):
        seen.add(f"{name} p{share}", percentile(load.milliseconds, share / 100))


async def _ours(place: Place, work: Drafts, rate: int) -> Load:
    async def call(item: tuple[int, int, e.Draft]) -> None:
        caller, version, draft = item
        await log.append(stream_of(caller), (draft,), expected_version=version)

    items = [[(caller, version, draft) for version, draft in enumerate(mine)] for caller, mine in enumerate(work)]
    async with echoless.opened(place.folder) as log:
        await callers([mine[:1] for mine in items], call)
        with place.copying(Location(place.folder).database):
            return await scheduled(_turns([mine[1:] for mine in items]), call, rate=rate)


async def _raw(place: Place, work: Drafts) -> Load:
    async def call(row: raw_sqlite.RowOf) -> None:
        raw_sqlite.append(connection, row)

    database = place.folder / "raw.db"
    with raw_sqlite.opened(database) as connection, place.copying(database):
        return await scheduled(_turns(raw_rows(work)), call, rate=SLOW)


async def _eventsourcing(place: Place, work: Drafts) -> Load:
    async def call(event: object) -> None:
        application.save(event)

    with with_eventsourcing.opened(place.folder) as application:
        events = begun(application, work)
        with place.copying(place.folder / with_eventsourcing.FILE_NAME):
            return await scheduled(_turns(events), call, rate=SLOW)


def _turns(items: Sequence[Sequence[T]]) -> list[T]:
    """Return what the streams append in the order of the schedule: they take turns."""
    return [item for turn in zip(*items, strict=True) for item in turn]


def _rows(seen: Samplings) -> list[Row]:
    rows = []
    for share in (50, 99):
        what, ours = f"append, open loop, {SLOW:,} events/s, p{share}", seen[f"ours {SLOW} p{share}"]
        rows += [
            Row(what, "ms", ours, raw_sqlite.NAME, seen[f"raw p{share}"], None, "one that blocks the event loop"),
            Row(what, "ms", ours, with_eventsourcing.NAME, seen[f"theirs p{share}"]),
        ]
    what = f"append, open loop, {FAST:,} events/s"
    return [
        *rows,
        Row(f"{what}, p50", "ms", seen[f"ours {FAST} p50"]),
        fixed(f"{what}, p99", "ms", seen[f"ours {FAST} p99"], LIMIT),
    ]
