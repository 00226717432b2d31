"""A look at the end of a log: the newest events, their hashes, and what indexes and heads say of them.

It costs what the end costs, however long the log is. :mod:`bot.eventlog.verify` looks at everything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from bot.eventlog.chain import GENESIS, Chain, expected_link, packed
from bot.eventlog.vault import Vault

SMALL_PAGES = 2048
"""Up to 8 MiB, SQLite checks the structure of all that a log can't do without: tens of milliseconds."""
_NEEDED = ("events", "streams", "unfinished", "meta")

_ROWS = """
SELECT position, stream_id, version, type, v, recorded_at, key_kind, key_id, key_part, correlation, causation,
       data, body_digest, hash FROM main.events WHERE position > ? ORDER BY position
"""
_IN_STREAM = "SELECT version, position, hash FROM main.events WHERE stream_id = ? AND version BETWEEN ? AND ?"
_BY_KEY = """
SELECT position FROM main.events WHERE key_kind = ? AND key_id = ? AND key_part = ? AND stream_id = ?
"""


def newest_position(connection: sqlite3.Connection) -> int:
    """Return the position of the newest event, 0 for an empty log."""
    (position,) = connection.execute("SELECT coalesce(max(position), 0) FROM main.events").fetchone()
    return int(position)


def fault_after(connection: sqlite3.Connection, vault: Vault, after: int) -> str:
    """Return what is wrong after position ``after``, or with the structure of a small log; "" if all is well."""
    try:
        return next(_faults(connection, vault, after), "")
    except (sqlite3.DatabaseError, TypeError, ValueError, AttributeError) as error:
        return f"the end can't be read ({error if isinstance(error, sqlite3.Error) else type(error).__name__})"


def _faults(connection: sqlite3.Connection, vault: Vault, after: int) -> Iterator[str]:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    for table in _NEEDED if pages <= SMALL_PAGES else ():
        said = connection.execute(f"PRAGMA quick_check({table})").fetchone()[0]
        if said != "ok":
            yield f"the table {table} is damaged: {said.splitlines()[-1]}"
    heads: dict[int, tuple[int, bytes]] = {}
    chain = vault.keys.chain() if vault.keys.start else None
    position, link = after, _hash_at(connection, after)
    for row in connection.execute(_ROWS, (after,)):
        if row[0] != position + 1:
            yield f"there is no event at position {position + 1}"
        yield from _misfits(connection, chain, link, row)
        position, link = row[0], row[13]
        heads[row[1]] = (row[2], link)
    for stream_id, head in heads.items():
        if connection.execute("SELECT version, hash FROM streams WHERE id = ?", (stream_id,)).fetchone() != head:
            yield f"stream {stream_id} does not know its newest event"


def _misfits(connection: sqlite3.Connection, chain: Chain | None, before: bytes, row: tuple[Any, ...]) -> Iterator[str]:
    """Yield what does not fit an event of which ``before`` is the hash before it in the log."""
    position, stream_id, version, type_name, v, recorded_at, *key, correlation, causation, data, digest, link = row
    near = {each[0]: each[1:] for each in connection.execute(_IN_STREAM, (stream_id, version - 1, version))}
    known = near.get(version) == (position, link)
    if key[0] is not None:
        known = known and connection.execute(_BY_KEY, (*key, stream_id)).fetchone() == (position,)
    if not known:
        yield f"an index does not know the event at position {position}"
    (stream,) = connection.execute("SELECT name FROM streams WHERE id = ?", (stream_id,)).fetchone()
    previous = GENESIS if version == 1 else near.get(version - 1, (0, b""))[1]
    fields = packed(
        stream,
        position,
        version,
        type_name,
        v,
        recorded_at,
        (key[0], key[1], key[2]),
        correlation,
        causation,
        data.encode(),
        digest,
    )
    if expected_link(chain, position, previous, before, fields) != link:
        yield f"the hash of the event at position {position} does not fit"


def _hash_at(connection: sqlite3.Connection, position: int) -> bytes:
    row = connection.execute("SELECT hash FROM main.events WHERE position = ?", (position,)).fetchone()
    return bytes(row[0]) if row else b""
