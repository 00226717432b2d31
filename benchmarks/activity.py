"""How fast the consumer ``activity`` catches up beside a plain replay, and how soon figures are there.

``python -m benchmarks.activity [EVENTS]``: makes a log of so many events in a scratch folder, of chat in 50 channels in
which every fourth message is answered. Then in pairs, one after the other: all events read and decoded, and counted by
the consumer. At last the figures are asked for, with its tables and from the log alone.
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
from collections.abc import Iterator
from pathlib import Path

from benchmarks.consumers import PAIRS, clock, replayed
from bot.consumers.activity.consumer import ActivityConsumer
from bot.consumers.activity.reading import count_activity
from bot.consumers.consumers import FOLDER, Consumers
from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.interpreter import settle
from bot.moderation.activity import Wanted

CHANNELS, PEOPLE, AT_ONCE, STORY = 50, 500, 700, 7
BEGAN, APART = 1_700_000_000_000_000, 3_000_000
"""The first moment, and the microseconds between two stories."""


def story(number: int) -> Iterator[e.Event]:
    """Yield four messages and the answer to the last of them."""
    first, moment = number * 10, BEGAN + number * APART
    for each in range(1, 5):
        author = (number * STORY + each) % PEOPLE + 1
        yield e.MessageReceived(message_id=first + each, author_id=author, sent_at=moment)
    asked = first + 4
    yield e.ReplyRequested(message_id=asked, author_id=1, responder="r", call=e.Call.MENTION)
    yield e.ReplyComposed(message_id=asked, parts=1, responder="r", model="m", tokens_in=100, cost_micros=30)
    yield e.ReplySent(message_id=asked, part=0, sent_id=first + 5, proof=e.Proof.RESPONSE)


async def fill(log: EventLog, events: int) -> None:
    """Append stories."""
    for first in range(0, events // STORY, AT_ONCE):
        await asyncio.gather(
            *(
                log.append(f"channel:{number % CHANNELS}", [e.Draft(event) for event in story(number)])
                for number in range(first, first + AT_ONCE)
            )
        )


async def caught_up(log: EventLog) -> None:
    """Have the consumer count everything."""
    shutil.rmtree(log.location.folder / FOLDER, ignore_errors=True)
    consumers = Consumers([ActivityConsumer()], clock)
    async with consumers.of(log):
        while consumers.lag("activity"):
            await asyncio.sleep(0.005)


async def pair(log: EventLog) -> tuple[float, float]:
    """Return the ratio of the rates by the clock, and that of the processor's time."""
    began, used = time.perf_counter(), time.process_time()
    await replayed(log)
    middle, half = time.perf_counter(), time.process_time()
    await caught_up(log)
    return (middle - began) / (time.perf_counter() - middle), (half - used) / (time.process_time() - half)


async def asked(log: EventLog) -> float:
    """Return the seconds until the figures of all time are there."""
    began = time.perf_counter()
    await count_activity(log.aside, log.location.folder, Wanted(None, 0, BEGAN * 2))
    return round(time.perf_counter() - began, 2)


async def measure(folder: Path, events: int) -> dict[str, object]:
    """Return the figures."""
    settle()
    seconds = iter(range(BEGAN, BEGAN * 2, APART))
    log = await open_log(Location(folder), clock=seconds.__next__, full=False)
    await fill(log, events)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pairs = [await pair(log) for _ in range(PAIRS)]
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counted = await asked(log)
    shutil.rmtree(log.location.folder / FOLDER)
    figures: dict[str, object] = {
        "events": await log.aside.newest(),
        "ratio": round(statistics.median(clocked for clocked, _ in pairs), 2),
        "cpu_ratio": round(statistics.median(used for _, used in pairs), 2),
        "more_memory_mb": round((after - before) / 1024, 1),
        "figures_s": counted,
        "figures_from_the_log_s": await asked(log),
    }
    await log.close()
    return figures


def main() -> None:
    """Measure, and print one JSON object."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(asyncio.run(measure(Path(scratch) / "log", events))))  # noqa: T201 - the figures


if __name__ == "__main__":
    main()
