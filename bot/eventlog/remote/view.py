"""The view: a log's folder that shows what an engine keeps, up to a record that it names.

A view is a log like any other, and everything that reads works on it. Beside the tables of a log it has two: at which
position each record begins, and in which records the engine still has words that are erased here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bot.eventlog.batch import COLUMNS, WIDTH, Batch, Effect
from bot.eventlog.remote.port import NOTHING
from bot.eventlog.remote.record import Rows

VIEW = "view"
"""The name in ``meta`` of the bookmark. A log that has one is a view."""
HOLDER = "holder"
"""The name in ``meta`` of the newest claim that was made from this folder: its owner and its host."""

PULLED = "pulled"
"""The name in ``meta`` of the note that a view is being made a log of its own (see :mod:`bot.eventlog.pulling`)."""
_STREAM, _EFFECT = COLUMNS.index("stream_id"), COLUMNS.index("effect")
_NONE, _OPENS = int(Effect.NONE), int(Effect.OPENS)

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


@dataclass(slots=True)
class Page:
    """What many records bring, to be written at once: a statement for each of them takes several times as long."""

    _records: list[tuple[int, int, str]] = field(default_factory=list)
    _values: list[Any] = field(default_factory=list)
    _finished: list[tuple[int]] = field(default_factory=list)
    _opened: dict[int, list[int]] = field(default_factory=dict)

    def add(self, rows: Rows, seq: int, place: str) -> None:
        """Take the next record: its rows, its number and its bookmark."""
        for stream_id in rows.finished:
            # It was finished after what is here and before what comes: so nothing here has opened it.
            for at in self._opened.pop(stream_id, ()):
                self._values[at] = _NONE
            self._finished.append((stream_id,))
        for index, effect in enumerate(rows.values[_EFFECT::WIDTH]):
            if effect == _OPENS:
                opened = self._opened.setdefault(rows.values[index * WIDTH + _STREAM], [])
                opened.append(len(self._values) + index * WIDTH + _EFFECT)
        self._records.append((rows.first, seq, place))
        self._values += rows.values

    def write(self, connection: sqlite3.Connection) -> None:
        """Write it as the writer does, within a transaction."""
        note_records(connection, self._records)
        connection.executemany("DELETE FROM unfinished WHERE stream_id = ?", self._finished)
        Batch(values=self._values).insert(connection)
