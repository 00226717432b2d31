"""How fast a consumer catches up beside a plain replay of the same log, and how long it is behind while events come.

``python -m benchmarks.consumers [EVENTS] [SECONDS]``: makes a log of so many events in a scratch folder, then measures
in pairs, one after the other: all events read and decoded stream by stream, and handed to a consumer that writes one
row a batch into its own database. Then 1,000 events a second come for so many seconds, and the consumer notes when it
has each.
"""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bot.consumers import Batch, Consumer
from bot.consumers.consumers import FOLDER, Consumers
from bot.core.events import Draft, MessageDeleted
from bot.eventlog.database import Connection
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.interpreter import settle

PAIRS = 5
CHUNK = 5000
A_SECOND = 1000


class Counting(Consumer):
    """Counts events in its own database, and notes how long each was under way."""

    name = "counting"

    def __init__(self) -> None:
        self.lags: list[float] = []
        self.noting = False

    async def prepare(self, database: Connection) -> None:
        """Make the table."""
        await database.execute("CREATE TABLE IF NOT EXISTS counted (events INTEGER)")

    async def handle(self, batch: Batch) -> None:
        """Write one row."""
        await batch.database.execute("INSERT INTO counted VALUES (?)", (len(batch.events),))
        if self.noting:
            now = time.time()
            self.lags += [now - each.recorded_at / 1e6 for each in batch.events]


def clock() -> int:
    """Return microseconds since the epoch."""
    return time.time_ns() // 1000


async def fill(log: EventLog, events: int) -> None:
    """Append events to a few streams."""
    for first in range(0, events, CHUNK):
        await asyncio.gather(
            *(
                log.append(f"channel:{first // CHUNK % 10}", [Draft(MessageDeleted(message_id=number + 1))])
                for number in range(first, min(first + CHUNK, events))
            )
        )


async def replayed(log: EventLog) -> float:
    """Return the events a second of a plain replay."""
    began, count = time.perf_counter(), 0
    for stream in await log.aside.streams():
        async for page in log.aside.tail(stream.name):
            count += len(page)
    return count / (time.perf_counter() - began)


async def caught_up(log: EventLog, events: int) -> float:
    """Return the events a second of a consumer that begins with the first one."""
    shutil.rmtree(log.location.folder / FOLDER, ignore_errors=True)
    consumers = Consumers([Counting()], clock)
    began = time.perf_counter()
    async with consumers.of(log):
        while consumers.lag("counting"):
            await asyncio.sleep(0.005)
    return events / (time.perf_counter() - began)


async def live(log: EventLog, seconds: int) -> list[float]:
    """Return how long each event was under way, at a thousand a second."""
    counting = Counting()
    consumers = Consumers([counting], clock)
    async with consumers.of(log):
        while consumers.lag("counting"):
            await asyncio.sleep(0.01)
        counting.noting = True
        began = time.perf_counter()
        for number in range(seconds * A_SECOND):
            await asyncio.sleep(max(0.0, began + number / A_SECOND - time.perf_counter()))
            log.append_units("channel:1", [[Draft(MessageDeleted(message_id=10**9 + number))]])
        while consumers.lag("counting") or log.depth:
            await asyncio.sleep(0.01)
    return sorted(counting.lags)


async def measure(folder: Path, events: int, seconds: int) -> dict[str, object]:
    """Return the figures."""
    settle()
    log = await open_log(Location(folder), clock=clock, full=False)
    await fill(log, events)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pairs = [(await replayed(log), await caught_up(log, events)) for _ in range(PAIRS)]
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lags = await live(log, seconds)
    await log.close()
    return {
        "events": events,
        "replay_a_second": round(statistics.median(plain for plain, _ in pairs)),
        "consumer_a_second": round(statistics.median(handed for _, handed in pairs)),
        "ratio": round(statistics.median(handed / plain for plain, handed in pairs), 2),
        "more_memory_mb": round((after - before) / 1024, 1),
        "live_ms": {name: round(1000 * lags[int(len(lags) * part)], 1) for name, part in (("p50", 0.5), ("p99", 0.99))},
    }


def main() -> None:
    """Measure, and print one JSON object."""
    events, seconds = (int(each) for each in (*sys.argv[1:], "1000000", "10")[:2])
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(asyncio.run(measure(Path(scratch) / "log", events, seconds))))  # noqa: T201 - the figures


if __name__ == "__main__":
    main()
