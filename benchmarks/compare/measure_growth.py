"""The log as it grows: what stays flat from a thousand events to millions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from time import perf_counter

from benchmarks.bots import watched_wal
from benchmarks.compare import echoless
from benchmarks.compare.appending import CALLERS, Drafts, Place, append_at_once, drafts
from benchmarks.compare.bench import Bench
from benchmarks.compare.children.processes import started
from benchmarks.compare.figures import Row, Samplings, percentile
from benchmarks.compare.measure_state import rebuilt
from benchmarks.compare.stores import PER_CHANNEL, bytes_on_disk, duplicate, our_log, query
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader
from bot.eventlog.reader import Reader
from bot.eventlog.verify import verify

FIRST_CALLER = 10**9
"""The callers' streams are none of the log's channels, and new ones in each round."""

COPIED_UP_TO = 100_000
"""A larger log is appended to as it is: what a round adds is little beside it."""

VERIFIED, VERIFIED_QUICKLY = 20_000, 5_000
MEASURES = {
    "disk per message": "bytes",
    "cold channel, p50": "ms",
    "start": "ms",
    "append, 100 callers": "events/s",
    "append, p99.9": "ms",
    "verify": "events/s",
    "largest WAL": "MB",
    "free pages": "pages",
}


async def growth(bench: Bench) -> list[Row]:
    """Measure the same on logs of several sizes; the smallest is what the others are compared with."""
    sizes = [1_000, *([] if bench.quick else [100_000]), bench.large, *([10_000_000] if bench.big else [])]
    work = drafts(bench, bench.pick(100, 20))
    logs = {size: await our_log(bench, size) for size in sizes}
    seen = {size: Samplings() for size in sizes}
    for number in bench.rounds("growth"):
        for size, folder in logs.items():
            await _standing(seen[size], folder, size, random.Random(number), bench)  # noqa: S311 - repeats the run
            place = duplicate(folder, bench.place("grown")) if size <= COPIED_UP_TO else folder
            await _appending(seen[size], place, work, FIRST_CALLER + number * CALLERS)
    return _rows(sizes, seen)


async def _standing(seen: Samplings, folder: Path, size: int, chance: random.Random, bench: Bench) -> None:
    """Take the figures of a log at rest."""
    messages = query(folder, "SELECT count(*) FROM events WHERE type = 'message.received'")
    seen.add("disk per message", bytes_on_disk(folder) / messages)
    channels = [chance.randrange(1, max(2, size // PER_CHANNEL + 1)) for _ in range(bench.pick(200, 60))]
    reader = await open_reader(Location(folder))
    try:
        seen.add("cold channel, p50", percentile(await rebuilt(reader, channels), 0.5))
        seen.add("verify", await _verified(reader, bench.pick(VERIFIED, VERIFIED_QUICKLY)))
    finally:
        await reader.close()
    seen.add("start", await asyncio.to_thread(started, folder, 1))


async def _verified(reader: Reader, most: int) -> float:
    """Return how many events a second are verified, of the first ``most``, once the database's structure is."""
    began, events = perf_counter(), 0
    async with aclosing(verify(reader)) as pages:
        async for progress in pages:
            if progress.findings:
                raise RuntimeError(progress.findings[0].problem)
            events += progress.events
            if events >= most:
                break
            if not events:
                began = perf_counter()
    return events / (perf_counter() - began)


async def _appending(seen: Samplings, folder: Path, work: Drafts, first: int) -> None:
    """Take the figures of a log under load."""
    async with echoless.opened(folder) as log, watched_wal(Location(folder).database) as sizes:
        load = await append_at_once(log, work, Place(folder, full=False), first=first)
    seen.add("append, 100 callers", load.rate)
    seen.add("append, p99.9", percentile(load.milliseconds, 0.999))
    seen.add("largest WAL", max(sizes) / 1e6)
    seen.add("free pages", query(folder, "SELECT freelist_count FROM pragma_freelist_count"))


def _rows(sizes: Sequence[int], seen: dict[int, Samplings]) -> list[Row]:
    smallest, *others = sizes
    rows = []
    for what, unit in MEASURES.items():
        for size in others:
            ours, theirs = seen[size][what], seen[smallest][what]
            # Nothing divides by zero where the smallest has none.
            comparable = all(theirs)
            contender, theirs = (f"{smallest:,} events", theirs) if comparable else ("", ())
            rows.append(Row(f"{what}, at {size:,} events", unit, ours, contender, theirs))
    return rows
