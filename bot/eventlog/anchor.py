"""An anchor: the end of a log on one line, to be kept elsewhere.

The newest hash of a log stands for everything before it (see :mod:`bot.eventlog.chain`). Somebody who can write the
file can take away its end, or put an older copy in its place, and what is left is whole. Only a note kept elsewhere
tells that there was more.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

from bot.core.events import KeyKind
from bot.errors import LogDamaged, LogError
from bot.eventlog import keys
from bot.eventlog.tail import newest_position

_MARK = "echoless-anchor-1"
_LINE = re.compile(rf"{_MARK} ([0-9a-f]{{32}}) ([0-9]+) ([0-9]+) ([0-9a-f]{{64}})")


@dataclass(frozen=True, slots=True)
class Anchor:
    """Everything up to ``position`` of a log gives ``hash``; ``incarnation`` counts how often it was restored."""

    log_id: bytes
    incarnation: int
    position: int
    hash: bytes

    def __str__(self) -> str:
        """Return the line that :func:`parse_anchor` reads."""
        return f"{_MARK} {self.log_id.hex()} {self.incarnation} {self.position} {self.hash.hex()}"

    def missed_by(self, connection: sqlite3.Connection) -> str:
        """Return why a log can't be the one that once ended with this anchor, "" if it can."""
        now = anchor_of(connection)
        if self.log_id != now.log_id:
            return "this is another log than the anchor's"
        if self.incarnation != now.incarnation:
            return f"it was restored from a backup since the anchor (incarnation {now.incarnation})"
        if self.position > now.position:
            return f"it ends at position {now.position}, and the anchor is at {self.position}: its end was taken away"
        if self.hash != _hash_at(connection, self.position):
            return f"what it holds up to position {self.position} is not what the anchor stands for"
        return ""


def parse_anchor(line: str) -> Anchor:
    """Return the anchor of a line; raise LogError when it is none."""
    if not (found := _LINE.fullmatch(line.strip())):
        raise LogError(f"This is no anchor: give the whole line that `echoless log anchor` printed ({_MARK} ...).")
    log_id, incarnation, position, link = found.groups()
    return Anchor(bytes.fromhex(log_id), int(incarnation), int(position), bytes.fromhex(link))


def anchor_of(connection: sqlite3.Connection) -> Anchor:
    """Return the anchor of a log as it ends now; raise LogError for one of the first releases, LogDamaged for others.

    What the log holds is believed: only verification tells whether it is true.
    """
    row = connection.execute("SELECT value FROM meta WHERE name = 'log_id'").fetchone()
    if row is None:
        raise LogError(keys.UNADOPTED)
    position = newest_position(connection)
    try:
        return Anchor(bytes(row[0]), incarnation_of(connection), position, _hash_at(connection, position))
    except (TypeError, ValueError) as error:
        raise LogDamaged("The log does not say which it is: see `echoless log verify`.") from error


def incarnation_of(connection: sqlite3.Connection) -> int:
    """Return how often a log was restored, as its events say."""
    sql = "SELECT coalesce(max(key_id), 0) FROM events WHERE key_kind = ?"
    return int(connection.execute(sql, (KeyKind.RESTORED,)).fetchone()[0])


def _hash_at(connection: sqlite3.Connection, position: int) -> bytes:
    """Return the hash that stands for everything up to ``position``, b"" when there is none."""
    start = keys.read_start(connection)
    if position < start.first:
        return start.root if position == start.first - 1 else b""
    row = connection.execute("SELECT hash FROM events WHERE position = ?", (position,)).fetchone()
    return bytes(row[0]) if row else b""
