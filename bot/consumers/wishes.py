"""What people want of consumers, in a file of its own, so that it can be said to a running bot and to one that rests.

The command line writes it, and the bot looks once a second whether it has changed. A wish is deleted after it was
fulfilled; all of them may be fulfilled twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

FILE_NAME = "wishes.sqlite"
_TABLES = """
CREATE TABLE IF NOT EXISTS paused (consumer TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS wishes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, consumer TEXT NOT NULL, what TEXT NOT NULL, position INTEGER
);
"""

What = Literal["reset", "retry", "drop"]


class Wish(NamedTuple):
    """Something to be done once; ``position`` is that of a parked event (None: of all of them)."""

    number: int
    consumer: str
    what: What
    position: int | None


class Wanted(NamedTuple):
    """Which consumers are to rest, and what is to be done, in order."""

    paused: frozenset[str] = frozenset()
    wishes: tuple[Wish, ...] = ()


class Wishes:
    """The file in the folder of the consumers; where there is none, nothing is wanted."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def read(self) -> Wanted:
        """Return all that is wanted; raise sqlite3.Error."""
        if not self._path.exists():
            return Wanted()
        with self._opened() as raw:
            paused = frozenset(name for (name,) in raw.execute("SELECT consumer FROM paused"))
            wishes = raw.execute("SELECT number, consumer, what, position FROM wishes ORDER BY number").fetchall()
        return Wanted(paused, tuple(Wish(*row) for row in wishes))

    def pause(self, consumer: str) -> None:
        """Have a consumer rest until :meth:`resume`."""
        with self._opened() as raw:
            raw.execute("INSERT OR IGNORE INTO paused VALUES (?)", (consumer,))

    def resume(self, consumer: str) -> None:
        """Have a consumer go on."""
        with self._opened() as raw:
            raw.execute("DELETE FROM paused WHERE consumer = ?", (consumer,))

    def add(self, consumer: str, what: What, position: int | None = None) -> None:
        """Want something to be done."""
        with self._opened() as raw:
            raw.execute("INSERT INTO wishes (consumer, what, position) VALUES (?, ?, ?)", (consumer, what, position))

    def fulfilled(self, number: int) -> None:
        """Delete a wish."""
        with self._opened() as raw:
            raw.execute("DELETE FROM wishes WHERE number = ?", (number,))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(exist_ok=True, mode=0o700)
        with closing(sqlite3.connect(self._path)) as raw, raw:
            raw.executescript(_TABLES)
            yield raw
