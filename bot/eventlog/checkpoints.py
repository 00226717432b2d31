"""Moving committed pages from the write-ahead log into the database, beside the writer instead of within its commits.

SQLite by itself copies all pages in the commit that fills the write-ahead log. Measured: that commit takes fifteen
times as long as the others. Here a second connection copies pages while commits go on. The pages that those commits add
are copied between two commits. That takes as long as one commit, and the next commit starts the write-ahead log afresh.

SQLite syncs the database only once all pages are copied, which never happens while commits go on. So the file is synced
here before the last pages are copied. Measured: without that, commits waited 10 ms for these pages.

SQLite does not tell Python how many pages it wrote. An estimate by events was wrong by half: in many streams each event
changes a page of an index of its own. So the pages are counted in the file, whenever there may be enough of them.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Protocol, TypeVar

import structlog

from bot.errors import LogError
from bot.eventlog.database import BUSY_MILLISECONDS, PAGE_SIZE, Connection
from bot.eventlog.wal import wal_length

EVERY = 1_700
"""Pages between two checkpoints: 7 MB of write-ahead log, and 1 MB until they are counted and copied. After a crash the
next start reads them again.

Measured with 100 callers: at 1,000 the median append takes 8 % longer, at 4,000 the slowest of a thousand takes 1.4
times as long.
"""

PATIENCE = 3.0
"""Seconds for which somebody waits until the write-ahead log is emptied."""

AGAIN = 0.1
"""Seconds until it is tried again, while somebody reads an older state of the log."""

HELD = 8 * EVERY
"""Pages that the write-ahead log reaches only while somebody reads an older state of the log all the time."""

_LEAST = 1 / 16
"""The least part of these pages that is written before they are counted again."""

_A_COMMIT = 4
"""The pages of a commit at most, about, to which each event adds one."""

T = TypeVar("T")

_log = structlog.get_logger()


class BetweenCommits(Protocol):
    """Runs work on the writing connection while no transaction is open there."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work`` returns."""


class Checkpointer:
    """Copies pages whenever enough was written; :meth:`run` is its task.

    ``file`` is the database file, opened to be synced. Close it after every connection to the database: closing a file
    releases all locks of this process on it (POSIX), those of SQLite too.
    """

    def __init__(self, aside: Connection, writing: BetweenCommits, file: FileIO) -> None:
        self._aside = aside
        self._writing = writing
        self.file = file
        self._left = 0
        self._held = False
        self._patience = PATIENCE
        self._to_empty: list[asyncio.Future[None]] = []
        self._due = asyncio.Event()

    def wrote(self, events: int) -> None:
        """Note a commit of ``events`` events."""
        self._left -= _A_COMMIT + events
        if self._left <= 0:
            self._due.set()

    async def empty(self) -> bool:
        """Empty the write-ahead log of older pages; tell whether that is done within some seconds.

        It is tried until it is done.
        """
        emptied: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._to_empty.append(emptied)
        self._due.set()
        await asyncio.wait((emptied,), timeout=self._patience)
        return emptied.done()

    async def _empty(self) -> None:
        waiting, self._to_empty = self._to_empty, []
        with suppress(LogError, OSError):
            # Most pages are copied and synced beside the writer, so that it waits for few.
            await self._aside.run(partial(_copied_and_synced, self.file, least=1))
            if await self._writing.run(empty_wal):
                for each in waiting:
                    each.set_result(None)
                return
        self._to_empty += waiting
        asyncio.get_running_loop().call_later(AGAIN, self._due.set)

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            if self._to_empty:
                await self._empty()
            uncopied = EVERY
            # The writer meets the same error and reports it. The pages are safe in the write-ahead log.
            with suppress(LogError, OSError):
                pages = uncopied = await self._aside.run(partial(_copied_and_synced, self.file))
                if pages >= EVERY:
                    await self._writing.run(_copy_pages)
                    uncopied = 0
                self._notice(pages)
            self._left = max(EVERY - uncopied, int(EVERY * _LEAST))

    def _notice(self, pages: int) -> None:
        """Say once when somebody keeps the write-ahead log from beginning anew."""
        if pages >= HELD and not self._held:
            _log.warning(
                "log.held",
                megabytes=round(pages * PAGE_SIZE / 1e6),
                hint=f"another program goes on reading one state of {os.fsdecode(self.file.name)}, so its -wal grows: "
                "end it (a backup ends by itself; `fuser` names the process)",
            )
        self._held = pages >= HELD or (self._held and pages >= EVERY)

    async def close(self) -> None:
        """Close the connection that copies. The file stays open until the other connections are closed."""
        await self._aside.close()


def empty_wal(connection: sqlite3.Connection) -> bool:
    """Bring all pages into the database and cut the write-ahead log to nothing, without waiting; tell whether it is.

    Somebody who reads an older state of the log keeps it from being emptied.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        busy = 1
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    return not busy


def _copied_and_synced(file: FileIO, connection: sqlite3.Connection, least: int = EVERY) -> int:
    """Copy the pages if they are at least so many by now, and return how many they were."""
    pages = wal_length(Path(os.fsdecode(file.name)))
    if pages < least:
        return pages
    _copy_pages(connection)
    # The system reports a failed sync once to each open file. SQLite sees it at its own sync and keeps the pages.
    with suppress(OSError):
        os.fsync(file.fileno())
    return pages


def _copy_pages(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
