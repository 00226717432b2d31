"""The view: a log's folder that shows what an engine keeps, up to a record that it names.

A view is a log like any other, and everything that reads works on it. Beside the tables of a log it has two: at which
position each record begins, and in which records the engine still has words that are erased here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from bot.eventlog.batch import Batch
from bot.eventlog.remote.port import NOTHING
from bot.eventlog.remote.record import Rows

VIEW = "view"
"""The name in ``meta`` of the bookmark. A log that has one is a view."""
HOLDER = "holder"
"""The name in ``meta`` of the newest claim that was made from this folder: its owner and its host."""

PULLED = "pulled"
"""The name in ``meta`` of the note that a view is being made a log of its own (see :mod:`bot.eventlog.pulling`)."""

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS records (first INTEGER PRIMARY KEY, seq INTEGER NOT NULL, place TEXT NOT NULL) STRICT",
    "CREATE UNIQUE INDEX IF NOT EXISTS records_seq ON records (seq)",
    "CREATE TABLE IF NOT EXISTS erasing (seq INTEGER PRIMARY KEY) STRICT",
    """CREATE TRIGGER IF NOT EXISTS events_note_erasing AFTER UPDATE ON events
WHEN OLD.sealed IS NOT NULL AND NEW.sealed IS NULL
BEGIN
    INSERT OR IGNORE INTO erasing
    SELECT seq FROM records WHERE first <= NEW.position ORDER BY first DESC LIMIT 1;
END""",
)
"""What a view has and other logs do without, so it is no migration."""


class Bookmark(NamedTuple):
    """The record up to which a view goes: its number, the digest of its facts, the engine's own bookmark.

    ``position`` is that of the newest event, ``owner`` the process that the newest claim names.
    """

    seq: int = 0
    digest: bytes = NOTHING
    place: str = ""
    position: int = 0
    owner: bytes = b""


def lay_out(connection: sqlite3.Connection) -> None:
    """Give a log what a view has, unless it has it."""
    for statement in SCHEMA:
        connection.execute(statement)


def leave(connection: sqlite3.Connection) -> None:
    """Make a view a log of its own, within a transaction; does nothing for one that is."""
    connection.execute("DROP TRIGGER IF EXISTS events_note_erasing")
    connection.execute("DROP TABLE IF EXISTS records")
    connection.execute("DROP TABLE IF EXISTS erasing")
    connection.execute("DELETE FROM meta WHERE name IN (?, ?, ?)", (VIEW, HOLDER, PULLED))


def note_pull(connection: sqlite3.Connection) -> None:
    """Note that a view is being made a log of its own."""
    connection.execute("INSERT INTO meta VALUES (?, x'')", (PULLED,))


def is_pulled(connection: sqlite3.Connection) -> bool:
    """Tell whether a view is being made a log of its own, and was left before it was one."""
    return connection.execute("SELECT 1 FROM meta WHERE name = ?", (PULLED,)).fetchone() is not None


def is_view(connection: sqlite3.Connection) -> bool:
    """Tell whether a log is a view."""
    return connection.execute("SELECT 1 FROM meta WHERE name = ?", (VIEW,)).fetchone() is not None


def read_bookmark(connection: sqlite3.Connection) -> Bookmark:
    """Return the bookmark of a view."""
    (value,) = connection.execute("SELECT value FROM meta WHERE name = ?", (VIEW,)).fetchone()
    seq, digest, place, position, owner = json.loads(value)
    return Bookmark(seq, bytes.fromhex(digest), place, position, bytes.fromhex(owner))


def save_bookmark(connection: sqlite3.Connection, mark: Bookmark) -> None:
    """Store the bookmark, in the transaction that brings what it speaks of."""
    value = json.dumps((mark.seq, mark.digest.hex(), mark.place, mark.position, mark.owner.hex())).encode()
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (VIEW, value))


def note_records(connection: sqlite3.Connection, records: Iterable[tuple[int, int, str]]) -> None:
    """Note first position, number and bookmark of records whose rows come next, in the same transaction."""
    connection.executemany("INSERT INTO records (first, seq, place) VALUES (?, ?, ?)", records)


def note_places(connection: sqlite3.Connection, places: Iterable[tuple[str, int]]) -> None:
    """Note the bookmarks of records by their first position, where they were not known before, in the same way."""
    connection.executemany("UPDATE records SET place = ? WHERE first = ?", places)


def insert(connection: sqlite3.Connection, rows: Rows) -> None:
    """Write rows as the writer does, within a transaction."""
    connection.executemany("DELETE FROM unfinished WHERE stream_id = ?", ((each,) for each in rows.finished))
    Batch(values=rows.values).insert(connection)
