"""A program's own fold of a long stream: how soon its state is there, from nothing, from a snapshot, from memory.

``python -m benchmarks.own_folds [--events 100000] [--pairs 5]``; the log lies in a temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

from bot.attached.own_streams import OwnStreams
from bot.core.own import Event, Fold
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log

STREAM = "user:1"


class Gained(Event):
    """Somebody gained points."""

    TYPE = "level.gained"

    points: int
    by: int = 0


class Levels(Fold):
    """The sum, and how often."""

    NAME = "levels"
    EVENTS = (Gained,)

    points: int = 0
    times: int = 0

    def apply(self, event: Event) -> Self:
        """Add."""
        match event:
            case Gained(points=points):
                return self.model_copy(update={"points": self.points + points, "times": self.times + 1})
        return self


async def measured(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Return milliseconds of wall time and of processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


async def compare(log: EventLog, pairs: int) -> None:
    """Take turns: from nothing, from a snapshot with the longest tail, from memory, from memory after an append."""
    times: dict[str, list[tuple[float, float]]] = {}

    async def note(name: str, work: Callable[[], Awaitable[object]]) -> None:
        times.setdefault(name, []).append(await measured(work))

    for _ in range(pairs):
        await log.forget_snapshots(f"own:{STREAM}")
        own = OwnStreams(log)
        await note("from nothing", lambda own=own: own.fold(STREAM, Levels))  # type: ignore[misc]
        await own.close()
        for _ in range(Levels.EVERY - 1):
            await own.append(STREAM, Gained(points=1))
        own = OwnStreams(log)
        await note("snapshot and 99 events", lambda own=own: own.fold(STREAM, Levels))  # type: ignore[misc]
        await note("memory", lambda own=own: own.fold(STREAM, Levels))  # type: ignore[misc]
        await own.append(STREAM, Gained(points=1))
        await note("memory and 1 event", lambda own=own: own.fold(STREAM, Levels))  # type: ignore[misc]
        await own.close()
    whole = statistics.median(cpu for _, cpu in times["from nothing"])
    for name, each in times.items():
        wall, cpu = (statistics.median(column) for column in zip(*each, strict=True))
        print(f"{name:>24}  {wall:10.3f} ms  processor {cpu:10.3f} ms  1/{whole / cpu:,.0f}")  # noqa: T201


async def run(events: int, pairs: int) -> None:
    """Make the log and measure."""
    with tempfile.TemporaryDirectory() as folder:
        log = await open_log(Location(Path(folder) / "log"), clock=lambda: time.time_ns() // 1000, full=False)
        own = OwnStreams(log)
        for _ in range(0, events, 1000):
            await asyncio.gather(*(own.append(STREAM, Gained(points=1)) for _ in range(1000)))
        await compare(log, pairs)
        await log.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    asyncio.run(run(given.events, given.pairs))
