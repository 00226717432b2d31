"""The log in numbers."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from bot.eventlog.stored_text import fetched


@dataclass(frozen=True, slots=True)
class Stats:
    """The log in numbers; sizes in bytes, times in microseconds since the epoch (None: no event).

    ``unreadable`` counts the events that this release can't read, and ``unreadable_words`` those whose words do not
    open (None: without the key nobody can tell).
    """

    events: int
    streams: int
    bodies: int
    snapshots: int
    bytes: int
    first_at: int | None
    last_at: int | None
    types: dict[str, int] = field(default_factory=dict)
    unreadable: int = 0
    unreadable_words: int | None = None


def count(connection: sqlite3.Connection) -> Stats:
    """Return the log in numbers."""

    def one(sql: str) -> tuple[int, ...]:
        row: tuple[int, ...] = connection.execute(sql).fetchone()
        return row

    types = fetched(connection, "SELECT type, count(*) FROM events GROUP BY type ORDER BY type", ())
    first, last = one("SELECT min(recorded_at), max(recorded_at) FROM events")
    return Stats(
        events=sum(number for _, number in types),
        streams=one("SELECT count(*) FROM streams WHERE version > 0")[0],
        bodies=one("SELECT count(*) FROM bodies")[0],
        snapshots=one("SELECT (SELECT count(*) FROM snapshots) + (SELECT count(*) FROM own_snapshots)")[0],
        bytes=one("PRAGMA page_count")[0] * one("PRAGMA page_size")[0],
        first_at=first,
        last_at=last,
        types=dict(types),
    )
