"""Brings copies of a log up to date in processes that are killed over it, each one place later, until one survives.

Started by the tests as ``python migrating.py LOG COPIES statements|steps``: before each statement, or within them.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
from itertools import count
from pathlib import Path

from bot.eventlog import database

STEP = 200
"""Instructions of SQLite's machine between two places within statements."""


def main() -> None:
    """Kill at every place."""
    log, copies, what = sys.argv[1:]
    for number in count(1):
        copy = Path(shutil.copytree(log, Path(copies, f"{number:03}")))
        pid = os.fork()
        if not pid:
            migrate(copy / database.FILE_NAME, what, number)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code in {0, -signal.SIGKILL}
        if code == 0:
            return


def migrate(path: Path, what: str, number: int) -> None:
    """Migrate, and die at a place."""
    places = count(1)

    def reach(*_: object) -> None:
        if next(places) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA secure_delete = ON")
    if what == "statements":
        connection.set_trace_callback(reach)
    else:
        connection.set_progress_handler(reach, STEP)
    database.migrate(connection, now=1)
    connection.close()


if __name__ == "__main__":
    main()
