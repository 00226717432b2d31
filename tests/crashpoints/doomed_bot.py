"""The bot, doomed to die by SIGKILL at its n-th commit, before it or right after it.

Its arguments are SETTINGS TALLY [NUMBER before|after].

It is the real bot with two things around it: the writer's commits are counted (their number is written to TALLY when
the bot ends in good order), and a session is taken as ready sooner, to save two seconds a start.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from bot.app import from_settings
from bot.app.bot import Bot, clock
from bot.app.responders import responders_of
from bot.config import Config, load
from bot.eventlog.batch import Batch
from bot.eventlog.log import Location, open_log

Commit = Callable[..., Any]


def main() -> None:
    """Run until SIGTERM or death."""
    settings, tally, *doom = sys.argv[1:]
    numbers = count(1)
    number, when = (int(doom[0]), doom[1]) if doom else (0, "")
    Batch.write = doomed(Batch.write, numbers, number, when)  # type: ignore[method-assign]  # the seam of this test
    asyncio.run(run(load(Path(settings), os.environ)))
    Path(tally).write_text(str(next(numbers) - 1), encoding="ascii")


def doomed(commit: Commit, numbers: count[int], number: int, when: str) -> Commit:
    """Return ``commit`` that kills its process at commit ``number``: a COMMIT, or a statement that is one by itself.

    Before: nothing is committed. After: it is committed, and no caller knows yet.
    """

    def committing(batch: Batch, connection: sqlite3.Connection) -> object:
        return commit(batch, Doomed(connection, numbers, number, when))

    return committing


@dataclass(slots=True)
class Doomed:
    """A connection that kills its process at commit ``number``."""

    connection: sqlite3.Connection
    numbers: count[int]
    number: int
    when: str

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:  # noqa: ANN401 - what sqlite3 takes
        """Execute a statement, and die over it."""
        alone = sql.startswith("INSERT") and not self.connection.in_transaction
        here = (sql == "COMMIT" or alone) and next(self.numbers) == self.number
        if here and self.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        cursor = self.connection.execute(sql, *values)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return cursor

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - everything else is the connection's
        return getattr(self.connection, name)


async def run(config: Config) -> None:
    """Serve as ``echoless run`` does."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    token = config.token(os.environ).get_secret_value()
    log = await open_log(Location(config.log.path), clock=clock, full=config.log.durability == "full")
    try:
        at = replace(from_settings.endpoint(config), guild_ready_timeout=0.05)
        await Bot(config, token, log, responders_of(config), at).serve(stopping)
    finally:
        await log.close()


if __name__ == "__main__":
    main()
