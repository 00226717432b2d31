"""When a log began: with its first event, or when a backup took its place."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from bot.core.events import KeyKind

_RESTORED = "SELECT recorded_at FROM events WHERE key_kind = ? ORDER BY key_id DESC LIMIT 1"


class Began(NamedTuple):
    """When a log began (microseconds since the epoch), and whether a backup took its place then."""

    at: int
    restored: bool


def read_began(now: int, connection: sqlite3.Connection) -> Began:
    """Return when a log began or was restored last; an empty one begins now."""
    restored = connection.execute(_RESTORED, (KeyKind.RESTORED,)).fetchone()
    row = restored or connection.execute("SELECT recorded_at FROM events WHERE position = 1").fetchone()
    return Began(row[0] if row else now, bool(restored))
