"""A process that owns a log and appends to it at a steady rate until it is stopped: ``busy_log.py FOLDER RATE``.

It prints, line by line, the newest position that is on disk.
"""

from __future__ import annotations

import asyncio
import sys
import time
from itertools import count
from pathlib import Path

from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log

CHANNELS = 20
TICKS = 20
"""How often a second the messages of a tick are appended, all at once."""
BURST = 6000
"""Messages that are appended at once, so that the write-ahead log has begun anew before anything is copied."""


def now() -> int:
    """Return the time in microseconds."""
    return time.time_ns() // 1000


async def say(log: EventLog, number: int) -> int:
    """Record a message, and return its position."""
    body = e.Body(name="Ada", parts=("some words as people write them, " * 4,))
    event = e.MessageReceived(message_id=10**18 + now(), author_id=7 + number % 50, sent_at=now())
    appended = await log.append(f"channel:{number % CHANNELS}", [e.Draft(event, body, event.author_id)])
    return appended.new[0].position if appended.new else 0


async def main(folder: Path, rate: int) -> None:
    """Append ``rate`` messages a second."""
    log = await open_log(Location(folder), clock=now)
    for first in range(0, BURST, 200):
        await asyncio.gather(*(say(log, number) for number in range(first, first + 200)))
    began = time.monotonic()
    for tick in count(1):
        each = max(1, rate // TICKS)
        positions = await asyncio.gather(*(say(log, tick * each + number) for number in range(each)))
        sys.stdout.write(f"{max(positions)}\n")
        sys.stdout.flush()
        await asyncio.sleep(max(0, began + tick / TICKS - time.monotonic()))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
