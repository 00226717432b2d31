"""The bot, doomed to die by SIGKILL at its n-th commit, before it or right after it.

Its arguments are SETTINGS TALLY CROWDED [KIND NUMBER before|after]. KIND is ``commit``, or ``queued``: then only those
commits count that have another batch queued behind them. CROWDED is 1 to queue batches however few callers there are,
else 0.

It is the real bot with two things around it: the writer's commits are counted (how many there were of either kind is
written to TALLY when the bot ends in good order), and two waits are shorter: that for a session to be ready, to save
two seconds a start, and that for a model that is stopped.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.app import from_settings
from bot.app.clock import clock
from bot.app.process import Process
from bot.app.responders import responders_of
from bot.config import Config, load
from bot.eventlog import writer
from bot.eventlog.batch import Batch
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.replies import writing

Commit = Callable[..., Any]


@dataclass(slots=True)
class Doom:
    """Where to die, and how many commits of each kind there were; ``log`` is the bot's."""

    kind: str = ""
    number: int = 0
    when: str = ""
    commits: int = 0
    queued: int = 0
    log: EventLog | None = None

    def count(self) -> bool:
        """Count a commit, and tell whether it is the one to die at."""
        queued = self.log is not None and len(self.log._writer._flying) > 1
        self.commits += 1
        self.queued += queued
        return {"commit": self.commits, "queued": queued and self.queued}.get(self.kind) == self.number


def main() -> None:
    """Run until SIGTERM or death."""
    settings, tally, crowded, *where = sys.argv[1:]
    doom = Doom(where[0], int(where[1]), where[2]) if where else Doom()
    Batch.write = doomed(Batch.write, doom)  # type: ignore[method-assign]  # the seam of this test
    writing.STOP_GRACE = 0.05
    if crowded == "1":
        writer._FEW = 0
    asyncio.run(run(load(Path(settings), os.environ), doom))
    tell(tally, doom)


def tell(tally: str, doom: Doom) -> None:
    """Write how many commits there were."""
    told = Path(f"{tally}.new")
    told.write_text(f"{doom.commits} {doom.queued}", encoding="ascii")
    # Whoever reads it never sees a part of it, however this process ends.
    told.replace(tally)


def doomed(commit: Commit, doom: Doom) -> Commit:
    """Return ``commit`` that kills its process at a COMMIT, or at a statement that is one by itself.

    Before: nothing is committed. After: it is committed, and no caller knows yet.
    """

    def committing(batch: Batch, connection: sqlite3.Connection) -> object:
        return commit(batch, Doomed(connection, doom))

    return committing


@dataclass(slots=True)
class Doomed:
    """A connection that kills its process at the commit that ``doom`` names."""

    connection: sqlite3.Connection
    doom: Doom

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:  # noqa: ANN401 - what sqlite3 takes
        """Execute a statement, and die over it."""
        alone = sql.startswith("INSERT") and not self.connection.in_transaction
        here = (sql == "COMMIT" or alone) and self.doom.count()
        if here and self.doom.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        cursor = self.connection.execute(sql, *values)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return cursor

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - everything else is the connection's
        return getattr(self.connection, name)


async def run(config: Config, doom: Doom) -> None:
    """Serve as ``echoless run`` does."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    token = config.token(os.environ).get_secret_value()
    log = await open_log(Location(config.log.path), clock=clock, full=config.log.durability == "full")
    doom.log = log
    try:
        at = replace(from_settings.endpoint(config), guild_ready_timeout=0.05)
        process = Process(config, token, responders_of(config), {0: log.location}, at)
        await process.run(process.shard(0, {0: log}), stopping)
        await process.close()
    finally:
        await log.close()


if __name__ == "__main__":
    main()
