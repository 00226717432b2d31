"""Plain sqlite3 and one table: what an append costs with nothing on top. WAL, synchronous FULL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from benchmarks.compare.contenders.payload import payload
from bot.core import events as e

NAME = "raw sqlite3"
BATCHED = "sqlite3, executemany of 1000"
BATCH = 1000

RowOf: TypeAlias = tuple[str, int, str, str]
_TABLE = """
CREATE TABLE events (
    id INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL,
    UNIQUE (stream, version)
)
"""
_INSERT = "INSERT INTO events (stream, version, type, data) VALUES (?, ?, ?, ?)"


@contextmanager
def opened(database: Path) -> Iterator[sqlite3.Connection]:
    """Make the table in a new file."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(_TABLE)
        yield connection
    finally:
        connection.close()


def row(stream: int, version: int, draft: e.Draft) -> RowOf:
    """Return an event as a row."""
    return f"channel:{stream}", version, draft.event.TYPE, payload(draft)


def append(connection: sqlite3.Connection, one: RowOf) -> None:
    """Append one event in a transaction of its own."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_INSERT, one)
    connection.execute("COMMIT")


def append_many(connection: sqlite3.Connection, rows: Sequence[RowOf]) -> None:
    """Append many events in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(_INSERT, rows)
    connection.execute("COMMIT")
