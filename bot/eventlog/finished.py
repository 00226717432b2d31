"""Streams whose work is done: a restart does not have to look at them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

_DELETE = """
DELETE FROM unfinished WHERE stream_id = (SELECT id FROM streams WHERE name = ? AND version = ?) RETURNING stream_id
"""


@dataclass(slots=True)
class Finish:
    """Notes that ``stream`` has no work left at ``version``; does nothing when the stream has a newer version.

    ``finished`` is the stream's id afterwards, where there was a note to remove.
    """

    stream: str
    version: int
    finished: int | None = None

    def __call__(self, connection: sqlite3.Connection) -> None:
        """Remove the note that the stream has work."""
        row = connection.execute(_DELETE, (self.stream, self.version)).fetchone()
        self.finished = row[0] if row else None
