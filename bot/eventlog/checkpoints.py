"""Moving committed pages from the write-ahead log into the database, beside the writer instead of within its commits.

SQLite's own way is to do it all in the commit that fills the write-ahead log: measured, that one takes fifteen times as
long as the others. Here a connection of its own copies what there is while commits go on. What they add meanwhile is
copied between two commits, which takes as long as one more commit, and lets the next begin the write-ahead log anew.
"""

from __future__ import annotations

import asyncio
import sqlite3

from bot.errors import LogError
from bot.eventlog.database import Connection

EVERY = 2_000
"""Pages between two checkpoints: some 8 MiB of write-ahead log, which a crash leaves to be read again at the start."""

_A_COMMIT, _EVENTS_A_PAGE = 5, 4
"""Reckoned, since SQLite does not tell: the pages of a commit of one event, and how many events take one more."""


class Checkpointer:
    """Copies pages whenever enough was written; :meth:`run` is its task."""

    def __init__(self, aside: Connection, writing: Connection) -> None:
        self._aside = aside
        self._writing = writing
        self._pages = 0
        self._due = asyncio.Event()

    def wrote(self, events: int) -> None:
        """Reckon what a commit of so many events has written."""
        self._pages += _A_COMMIT + events // _EVENTS_A_PAGE
        if self._pages >= EVERY:
            self._pages = 0
            self._due.set()

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._aside.run(_copy_pages)
                await self._writing.run(_copy_pages)
            except LogError:
                # The writer meets the same trouble and tells of it; the pages are safe where they are.
                continue


def _copy_pages(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
