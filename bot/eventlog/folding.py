"""One stream of the log on a connection's thread: its pages of events, and the state that they fold to."""

from __future__ import annotations

import sqlite3
from functools import partial

from bot.core.conversation import Conversation
from bot.core.events import Recorded
from bot.core.fold import fold
from bot.eventlog import snapshots
from bot.eventlog.codec import decode
from bot.eventlog.quarantine import Quarantine
from bot.eventlog.stored_text import fetched
from bot.interpreter import collector_paused

PAGE = 2000
"""Rows fetched in one hop to the thread: enough to make hops cheap, few enough to keep memory small."""

_TAIL = """
SELECT position, version, recorded_at, type, v, data, correlation, causation FROM events
WHERE stream_id = (SELECT id FROM streams WHERE name = ?) AND version > ? AND version <= ? ORDER BY version LIMIT ?
"""


def head_of(connection: sqlite3.Connection, stream: str) -> int:
    """Return the newest version of ``stream``, 0 where there is none."""
    row = connection.execute("SELECT version FROM streams WHERE name = ?", (stream,)).fetchone()
    return int(row[0]) if row else 0


def to_fold(connection: sqlite3.Connection, stream: str, upto: int | None) -> int:
    """Return how many events lie between the newest usable snapshot and version ``upto`` (None: the head)."""
    head = head_of(connection, stream)
    last = head if upto is None else min(upto, head)
    return last - snapshots.newest_version(connection, stream, last)


def state_of(connection: sqlite3.Connection, stream: str) -> Conversation:
    """Return the state of ``stream`` as it is now, for work without a loop."""
    found = Quarantine()
    _, state, whole = begun(stream, None, found, connection)
    while not whole:
        state, whole = advanced(stream, None, found, state, connection)
    return state


def begun(
    stream: str,
    upto: int | None,
    quarantine: Quarantine,
    connection: sqlite3.Connection,
    *,
    start: Conversation | None = None,
) -> tuple[int, Conversation, bool]:
    """Return the version of the newest snapshot, the state one page of events later, and whether these were all."""
    if start is not None:
        known = snapshots.newest_version(connection, stream, 2**62 if upto is None else upto)
        if known <= start.version:
            return known, *advanced(stream, upto, quarantine, start, connection)
    taken = snapshots.newest(connection, stream, upto) or Conversation()
    return taken.version, *advanced(stream, upto, quarantine, taken, connection)


def advanced(
    stream: str, upto: int | None, quarantine: Quarantine, state: Conversation, connection: sqlite3.Connection
) -> tuple[Conversation, bool]:
    """Return the state one page of events after ``state``, and whether these were all."""
    with collector_paused():
        # The page has to be gone when the collector is back, or it would go through all of it.
        page = tail_of(stream, state.version, upto, connection)
        after = fold(page, state)
        if after.unreadable > state.unreadable:
            quarantine.note(page)
        del page
    return after, after.version - state.version < PAGE


def tail_of(stream: str, after: int, upto: int | None, connection: sqlite3.Connection) -> list[Recorded]:
    """Return the first page of the events of ``stream`` with ``after`` < version <= ``upto``."""
    # One stream needs no join. That, and unpacking the rows here, make a long replay a third faster. Decoding a page
    # before it is folded is a tenth faster than both in turn for each event: the processor keeps to one kind of work.
    rows = fetched(connection, _TAIL, (stream, after, 2**62 if upto is None else upto, PAGE))
    return [
        of_fields((position, stream, version, recorded_at, decode(type_name, v, data), correlation, causation))
        for position, version, recorded_at, type_name, v, data, correlation, causation in rows
    ]


of_fields = partial(tuple.__new__, Recorded)
"""Makes an event of its fields as ``Recorded`` does, in half the time, because no Python code runs for it."""
