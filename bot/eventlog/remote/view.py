"""The view: a log's folder that shows what an engine keeps, up to a record that it names.

A view is a log like any other, and everything that reads works on it. Beside the tables of a log it has two: at which
position each record begins, and in which records the engine still has words that are erased here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bot.eventlog.batch import COLUMNS, WIDTH, Batch, Effect
from bot.eventlog.remote.port import NOTHING
from bot.eventlog.remote.record import Rows
from bot.eventlog.transactions import changeable_events, transaction

VIEW = "view"
"""The name in ``meta`` of the bookmark. A log that has one is a view."""
HOLDER = "holder"
"""The name in ``meta`` of the newest claim that was made from this folder: its owner and its host."""

PULLED = "pulled"
"""The name in ``meta`` of the note that a view is being made a log of its own (see :mod:`bot.eventlog.pulling`)."""
CLAIMED = "claimed"
"""The name in ``meta`` of who made the newest claim: its host, its process, its release."""
STALE = "stale"
"""The name in ``meta`` of the note that the engine's words were sealed anew, and those in the view were not."""
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


class Shown(NamedTuple):
    """Up to which record a view goes, whether the newest claim was made from its folder, and who made that.

    ``host``, ``pid`` and ``release`` are empty where the view was not followed since they are noted.
    """

    record: int
    is_owner: bool
    host: str = ""
    pid: int = 0
    release: str = ""


def lay_out(connection: sqlite3.Connection) -> None:
    """Give a log what a view has, unless it has it."""
    for statement in SCHEMA:
        connection.execute(statement)


def leave(connection: sqlite3.Connection) -> None:
    """Make a view a log of its own, within a transaction; does nothing for one that is."""
    connection.execute("DROP TRIGGER IF EXISTS events_note_erasing")
    connection.execute("DROP TABLE IF EXISTS records")
    connection.execute("DROP TABLE IF EXISTS erasing")
    connection.execute("DELETE FROM meta WHERE name IN (?, ?, ?, ?, ?)", (VIEW, HOLDER, CLAIMED, PULLED, STALE))


def note_claim(connection: sqlite3.Connection, claim: Mapping[str, Any]) -> None:
    """Note who made the newest claim, within a transaction."""
    value = json.dumps([claim.get(name) for name in ("host", "pid", "release")]).encode()
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (CLAIMED, value))


def shown(connection: sqlite3.Connection) -> Shown | None:
    """Return how a folder stands to the engine that keeps its log; None for a log of its own."""
    if not is_view(connection):
        return None
    mark = read_bookmark(connection)
    meta = dict(connection.execute("SELECT name, value FROM meta WHERE name IN (?, ?)", (HOLDER, CLAIMED)))
    holder, _ = json.loads(meta[HOLDER]) if HOLDER in meta else ("", "")
    host, pid, release = json.loads(meta[CLAIMED]) if CLAIMED in meta else ("", 0, "")
    return Shown(mark.seq, mark.owner != b"" and holder == mark.owner.hex(), str(host), int(pid), str(release))


def note_stale(connection: sqlite3.Connection, head: bytes) -> None:
    """Note that words are to be taken from the engine again, if there are seals before ``head``, within a transaction.

    ``head`` is how seals begin that are new enough.
    """
    sql = "SELECT 1 FROM events WHERE sealed IS NOT NULL AND substr(sealed, 1, ?) < ? LIMIT 1"
    if connection.execute(sql, (len(head), head)).fetchone():
        connection.execute("INSERT OR IGNORE INTO meta VALUES (?, x'')", (STALE,))


def is_stale(connection: sqlite3.Connection) -> bool:
    """Tell whether words are to be taken from the engine again."""
    return connection.execute("SELECT 1 FROM meta WHERE name = ?", (STALE,)).fetchone() is not None


def forget_stale(connection: sqlite3.Connection) -> None:
    """Note that all words are those of the engine."""
    connection.execute("DELETE FROM meta WHERE name = ?", (STALE,))


def first_of(connection: sqlite3.Connection, seq: int) -> int | None:
    """Return the position of the first event of a record; None where it has none that counts."""
    row = connection.execute("SELECT first FROM records WHERE seq = ?", (seq,)).fetchone()
    return None if row is None else int(row[0])


def take_seals(connection: sqlite3.Connection, seals: Iterable[tuple[bytes, int]]) -> None:
    """Put seals of the same words in the place of those at their positions; words that are erased stay so."""
    sql = "UPDATE events SET sealed = ? WHERE position = ? AND sealed IS NOT NULL AND sealed <> ?"
    with transaction(connection), changeable_events(connection):
        connection.executemany(sql, ((sealed, position, sealed) for sealed, position in seals))


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
