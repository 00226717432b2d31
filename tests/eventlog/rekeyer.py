"""Gives copies of a log new keys, each copy by a process that is killed one step later than the one before.

Started by the tests as ``python rekeyer.py LOG OUT COMMAND``. A step is a statement of SQL, or a file that is opened to
be written, renamed or removed. The copies are OUT/1, OUT/2 and so on; the process of the last one ended by itself.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from bot.eventlog import database, rekeying
from bot.eventlog.lifting import lift
from bot.eventlog.location import Location
from bot.eventlog.master import find_master

_WRITES = os.O_WRONLY | os.O_RDWR


def now() -> int:
    """Return the time in microseconds."""
    return time.time_ns() // 1000


def bring_up(location: Location) -> None:
    """Do what the first start of this release does with an older log."""
    connection = database.connection_for_writing(location.database)
    lift(connection, find_master(location), now)
    connection.close()


COMMANDS: dict[str, Callable[[Location], object]] = {
    "open": bring_up,
    "rotate": lambda location: rekeying.rotate(location, clock=now),
    "renew": lambda location: rekeying.renew(location, clock=now),
    "rekey": lambda location: rekeying.relink(location, clock=now),
}


def doomed(step: int) -> None:
    """Have this process kill itself right before a step."""
    left = iter(range(step - 1, -1, -1))

    def touched() -> None:
        if next(left, 1) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def heard(event: str, values: tuple[Any, ...]) -> None:
        if event in {"os.rename", "os.remove"} or (event == "open" and (values[2] or 0) & _WRITES):
            touched()

    connect = database.connection_for_writing

    def connected(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.set_trace_callback(lambda _sql: touched())
        return connection

    sys.addaudithook(heard)
    database.connection_for_writing = connected


def main(log: Path, out: Path, command: str) -> None:
    """Try every step."""
    rekeying.PAGE = 3
    for step in count(1):
        location = Location(Path(shutil.copytree(log, out / str(step))))
        child = os.fork()
        if not child:
            doomed(step)
            COMMANDS[command](location)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
