"""The bot, doomed to die by SIGKILL at its n-th commit, before it or right after it.

    python -m tests.crashpoints.doomed_bot SETTINGS TALLY [NUMBER before|after]

It is the real bot with two things around it: the writer's commits are counted (their number is written to TALLY when
the bot ends in good order), and a session is taken as ready sooner, to save two seconds a start.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from bot import app
from bot.config import Config, load
from bot.eventlog.log import Location, open_log
from bot.eventlog.writer import Writer

Commit = Callable[..., Any]


def main() -> None:
    """Run until SIGTERM or death."""
    settings, tally, *doom = sys.argv[1:]
    numbers = count(1)
    number, when = (int(doom[0]), doom[1]) if doom else (0, "")
    Writer._commit = doomed(Writer._commit, numbers, number, when)  # type: ignore[method-assign]  # the seam of this test
    asyncio.run(run(load(Path(settings), os.environ)))
    Path(tally).write_text(str(next(numbers) - 1), encoding="ascii")


def doomed(commit: Commit, numbers: count[int], number: int, when: str) -> Commit:
    """Return ``commit`` that kills its process at call ``number``; after: committed, and no caller knows yet."""

    def committing(*args: object) -> object:
        here = next(numbers) == number
        if here and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        outcome = commit(*args)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return outcome

    return committing


async def run(config: Config) -> None:
    """Serve as ``echoless run`` does."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    token = config.token(os.environ).get_secret_value()
    log = await open_log(Location(config.log.path), clock=app.clock, full=config.log.durability == "full")
    try:
        at = replace(app.endpoint(config), guild_ready_timeout=0.05)
        await app.Bot(config, token, log, app.responder(config), at).serve(stopping)
    finally:
        await log.close()


if __name__ == "__main__":
    main()
