"""What is open while a consumer follows the log, and where in the log it is."""

from __future__ import annotations

import sqlite3

from bot.consumers.store import Checkpoint, Store
from bot.eventlog.pages import History, time_at
from bot.eventlog.reader import Reader


class Opened:
    """What is open while a consumer follows: ``position`` is up to where it has read, ``saved`` what was committed.

    ``unreadable`` are positions in the stretch that is being handed over.
    """

    def __init__(self, reader: Reader, store: Store, history: History, *, rebuilding: bool) -> None:
        self.reader = reader
        self.store = store
        self.history = history
        self.rebuilding = rebuilding
        self.position = 0
        self.saved = 0
        self.unreadable: tuple[int, ...] = ()


class Failed(Exception):
    """A consumer raised over events; ``what`` is the kind and place of the error, and no words of it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def shared_upto(history: History, checkpoint: Checkpoint, connection: sqlite3.Connection) -> int:
    """Return up to which position the log holds what the consumer has read."""
    if checkpoint.log_id != history.log_id:
        return 0
    fork = history.fork_after(checkpoint.incarnation)
    if fork is not None and fork < checkpoint.position:
        return fork
    if time_at(connection, checkpoint.position) == checkpoint.recorded_at:
        return checkpoint.position
    # A power loss took events that were not synced (log.durability = "normal"), and others may have come since.
    return min(checkpoint.position - 1, history.head)


def is_of_disk(error: sqlite3.OperationalError) -> bool:
    """Tell whether the disk is to blame, and neither the consumer nor an event."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY)
