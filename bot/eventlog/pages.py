"""Pages of the whole log by position, for those who follow it, and where in the history of its restorations it is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bot.core.events import Body, KeyKind, Recorded, Retired, Unreadable
from bot.eventlog.codec import decode, separated, stored_as
from bot.eventlog.folding import of_fields
from bot.eventlog.query import LISTED
from bot.eventlog.reader import opened, sealed_at
from bot.eventlog.stored_text import fetched
from bot.eventlog.tail import newest_position
from bot.eventlog.vault import Vault
from bot.interpreter import collector_paused

SCANNED = 20_000
"""Rows that a page looks through at most. So a reader of rare types holds no state of the log for long."""

_PAGE = """
SELECT position, stream_id, version, recorded_at, type, v, data, correlation, causation FROM events
WHERE position > ? AND position <= ?
"""


class Skipped(NamedTuple):
    """An event that this release can't read, and why."""

    position: int
    type: str
    why: str


class Page(NamedTuple):
    """Events after a position, in order, without those of retired types. ``words`` are by position.

    ``upto`` is the position up to which the log was looked through, ``recorded_at`` the time of the event there,
    ``head`` the newest position of the log.
    """

    events: Sequence[Recorded]
    skipped: Sequence[Skipped]
    words: Mapping[int, Body]
    upto: int
    recorded_at: int
    head: int


class History(NamedTuple):
    """Which log it is, its newest position, and of each restoration the position and the incarnation it began."""

    log_id: str
    head: int
    restored: tuple[tuple[int, int], ...]

    @property
    def incarnation(self) -> int:
        """Return how often the log was restored."""
        return max((incarnation for _, incarnation in self.restored), default=0)

    def incarnation_at(self, position: int) -> int:
        """Return the incarnation in which the event at ``position`` was recorded."""
        return max((incarnation for first, incarnation in self.restored if first <= position), default=0)

    def fork_after(self, incarnation: int) -> int | None:
        """Return the newest position that a log of ``incarnation`` shares with this one; None: all of them."""
        return min((first - 1 for first, later in self.restored if later > incarnation), default=None)


def read_history(connection: sqlite3.Connection) -> History:
    """Return which log it is and how it was restored."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'log_id'").fetchone()
    sql = "SELECT position, key_id FROM events WHERE key_kind = ? ORDER BY position"
    restored = connection.execute(sql, (KeyKind.RESTORED,)).fetchall()
    return History(bytes(row[0]).hex() if row else "", newest_position(connection), tuple(restored))


def time_at(connection: sqlite3.Connection, position: int) -> int:
    """Return when the event at ``position`` was recorded (microseconds), 0 where there is none."""
    row = connection.execute("SELECT recorded_at FROM events WHERE position = ?", (position,)).fetchone()
    return row[0] if row else 0


def position_before(moment: int, connection: sqlite3.Connection) -> int:
    """Return the newest position before the first event that was recorded at or after a moment (microseconds).

    It looks at few events, because times grow with positions. Where a clock was set back, it may be off by what was
    recorded in the time that came twice.
    """
    before, after = 0, newest_position(connection) + 1
    while after - before > 1:
        middle = (before + after) // 2
        if time_at(connection, middle) < moment:
            before = middle
        else:
            after = middle
    return before


def read_page(
    after: int, types: Sequence[str], limit: int, vault: Vault | None, connection: sqlite3.Connection
) -> Page:
    """Return up to ``limit`` events of ``types`` (none: all) after a position; with ``vault`` their words too.

    What older releases recorded as one event, and is several today, counts as one.
    """
    head = newest_position(connection)
    upto = min(after + SCANNED, head)
    names = stored_as(types)
    chosen = f"AND type IN ({', '.join('?' * len(names))})" if names else ""
    with collector_paused():
        rows = fetched(connection, f"{_PAGE} {chosen} ORDER BY position LIMIT ?", (after, upto, *names, limit))
        events, skipped = _decoded(connection, rows)
        events = separated(events, types)
    if len(rows) == limit:
        upto = rows[-1][0]
    words = {} if vault is None else _words(connection, events, vault)
    return Page(events, skipped, words, max(upto, after), time_at(connection, upto), head)


def _decoded(
    connection: sqlite3.Connection, rows: Sequence[tuple[int, int, int, int, str, int, str, int | None, int | None]]
) -> tuple[list[Recorded], list[Skipped]]:
    # A join would look the stream of each row up.
    listed = json.dumps(list({row[1] for row in rows}))
    names = dict(connection.execute(f"SELECT id, name FROM streams WHERE id IN ({LISTED})", (listed,)))  # noqa: S608 - a constant
    events: list[Recorded] = []
    skipped: list[Skipped] = []
    for position, stream_id, version, recorded_at, type_name, v, data, correlation, causation in rows:
        event = decode(type_name, v, data)
        # By type, because isinstance of pydantic takes a tenth of the time of all this.
        if type(event) is Unreadable:
            skipped.append(Skipped(position, event.stored.type, event.why.value))
        elif type(event) is not Retired:
            events.append(of_fields((position, names[stream_id], version, recorded_at, event, correlation, causation)))
    return events, skipped


def _words(connection: sqlite3.Connection, events: Sequence[Recorded], vault: Vault) -> dict[int, Body]:
    worded = [recorded.position for recorded in events if recorded.event.worded()]
    rows = sealed_at(connection, worded) if worded else []
    found = ((position, opened(vault, stream, position, sealed)) for position, stream, sealed in rows)
    return {position: body for position, body in found if body is not None}
