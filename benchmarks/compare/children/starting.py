"""A process that starts: imports alone, or until it can serve a channel of a log; it prints the milliseconds.

The parent passes the monotonic clock's time from just before it started the process: on Linux all share that clock.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from bot.app.clock import clock
from bot.conversations import Conversations
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.interpreter import settle


def main() -> None:
    """Do as the arguments say: when it began, and a log's folder and a channel unless it only imports."""
    settle()
    began, *rest = sys.argv[1:]
    if rest:
        asyncio.run(_serve(float(began), Path(rest[0]), int(rest[1])))
    else:
        _report(float(began))


async def _serve(began: float, folder: Path, channel: int) -> None:
    log = await open_log(Location(folder), clock=clock)
    await Conversations(log).state(channel)
    _report(began)
    await log.close()


def _report(began: float) -> None:
    print((time.monotonic() - began) * 1000)  # noqa: T201 - for the parent


if __name__ == "__main__":
    main()
