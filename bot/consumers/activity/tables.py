"""The tables of the consumer ``activity``: written from events, and read for a time and channels."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import zip_longest

from bot.core.activity import LONGEST, Tally, Waiting
from bot.core.events import (
    Recorded,
    ReplyAbandoned,
    ReplyBegun,
    ReplyCompleted,
    ReplyComposed,
    ReplyRetried,
    ReplySent,
)
from bot.moderation.activity import Activity, Figures, Wanted

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS counts (
        hour    INTEGER NOT NULL,
        channel INTEGER NOT NULL,
        measure TEXT    NOT NULL,
        label   TEXT    NOT NULL,
        amount  INTEGER NOT NULL,
        PRIMARY KEY (hour, channel, measure, label)
    ) STRICT, WITHOUT ROWID
    """,
    # A person is a hash of their id, and no more than a number once they had themselves forgotten.
    """
    CREATE TABLE IF NOT EXISTS present (
        hour    INTEGER NOT NULL,
        channel INTEGER NOT NULL,
        person  INTEGER NOT NULL,
        PRIMARY KEY (hour, channel, person)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS waiting (
        message     INTEGER PRIMARY KEY,
        received_at INTEGER NOT NULL,
        begun       INTEGER NOT NULL,
        parts       INTEGER NOT NULL,
        sent        INTEGER NOT NULL
    ) STRICT
    """,
)
_OF_REPLIES = frozenset((ReplyBegun, ReplyComposed, ReplySent, ReplyCompleted, ReplyAbandoned, ReplyRetried))
"""The events that a question may wait for."""
_ADD = """
INSERT INTO counts VALUES (?, ?, ?, ?, ?)
ON CONFLICT (hour, channel, measure, label) DO UPDATE SET amount = amount + excluded.amount
"""
_WITHIN = "hour BETWEEN ? AND ? AND (? IS NULL OR channel IN (SELECT value FROM json_each(?)))"


@lru_cache(10_000)
def person_number(log_id: str, person_id: int) -> int:
    """Return the number that stands for a person in the tables of one log, 0 to 2**63 - 1."""
    digest = blake2b(str(person_id).encode(), key=log_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def write(connection: sqlite3.Connection, log_id: str, events: Sequence[Recorded]) -> None:
    """Count events into the tables, within a transaction."""
    before = _waiting(connection, [each.event.about() for each in events if type(each.event) in _OF_REPLIES])
    tally = Tally(dict(before))
    tally.count(events)
    connection.executemany(_ADD, _rows(tally))
    for seen, forgotten in zip_longest(tally.seen, tally.forgotten):
        present = ((hour, channel_id, person_number(log_id, person_id)) for hour, channel_id, person_id in seen)
        connection.executemany("INSERT OR IGNORE INTO present VALUES (?, ?, ?)", present)
        if forgotten is not None:
            who = (-forgotten.position, person_number(log_id, forgotten.person_id))
            connection.execute("UPDATE present SET person = ? WHERE person = ?", who)
    _write_waiting(connection, before, tally.waiting)
    connection.execute("DELETE FROM waiting WHERE received_at < ?", (events[-1].recorded_at - LONGEST,))


def _rows(tally: Tally) -> Iterator[tuple[object, ...]]:
    for (hour, channel_id, measure, label), amount in tally.cells.items():
        # SQLite's module is slow with kinds of text of their own.
        yield hour, channel_id, str(measure), str(label), amount


def _waiting(connection: sqlite3.Connection, messages: Sequence[int | None]) -> dict[int, Waiting]:
    """Return the questions among ``messages`` that wait for their reply."""
    sql = "SELECT * FROM waiting WHERE message IN (SELECT value FROM json_each(?))"
    rows = connection.execute(sql, (json.dumps(messages),)) if messages else ()
    return {message: Waiting(at, bool(begun), parts, sent) for message, at, begun, parts, sent in rows}


def _write_waiting(connection: sqlite3.Connection, before: Iterable[int], waiting: Mapping[int, Waiting]) -> None:
    connection.executemany("DELETE FROM waiting WHERE message = ?", ((each,) for each in before if each not in waiting))
    rows = ((message, each.received_at, each.begun, each.parts, each.sent) for message, each in waiting.items())
    connection.executemany("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?)", rows)


def read(connection: sqlite3.Connection, wanted: Wanted) -> Activity:
    """Return the figures of the tables that are wanted."""
    found = Activity(wanted)
    slot = f"hour / {wanted.step:d} * {wanted.step:d}"
    for by, group in ((slot, found.slots), ("channel", found.channels)):
        sums = f"SELECT {by}, measure, label, sum(amount) FROM counts WHERE {_WITHIN} GROUP BY 1, 2, 3"  # noqa: S608 - constants
        for key, measure, label, amount in connection.execute(sums, _values(wanted)):
            group.setdefault(key, Figures()).add(measure, label, amount)
        people = f"SELECT {by}, count(DISTINCT person) FROM present WHERE {_WITHIN} GROUP BY 1"  # noqa: S608 - constants
        for key, number in connection.execute(people, _values(wanted)):
            group.setdefault(key, Figures()).people = number
    for each in found.channels.values():
        found.total.join(each)
    people = f"SELECT count(DISTINCT person) FROM present WHERE {_WITHIN}"  # noqa: S608 - constants
    (found.total.people,) = connection.execute(people, _values(wanted)).fetchone()
    return found


def copy_in(connection: sqlite3.Connection, wanted: Wanted) -> None:
    """Copy what is wanted from the database that is attached as ``kept``, and which questions wait."""
    for table in ("counts", "present"):
        copied = f"INSERT INTO main.{table} SELECT * FROM kept.{table} WHERE {_WITHIN}"  # noqa: S608 - constants
        connection.execute(copied, _values(wanted))
    connection.execute("INSERT INTO main.waiting SELECT * FROM kept.waiting")


def _values(wanted: Wanted) -> tuple[object, ...]:
    chosen = None if wanted.channels is None else json.dumps(sorted(wanted.channels))
    return (*wanted.hours, chosen, chosen)
