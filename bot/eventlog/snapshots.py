"""Snapshots of folded state: a cache with a version.

Each carries the fingerprint of the fold that made it, and a digest of itself. A snapshot is ignored, without an error,
when another fold made it, when it is damaged, or when it is beyond its stream's head. The caller then folds from the
beginning.

Old snapshots are thinned out, so that the state at any version is near one: all snapshots of the newest ``RECENT``
events are kept, and before these one in every ``SPACING`` events. A snapshot of a full window takes about 7 KiB. So a
channel's snapshots take 70 KiB, and 14 bytes for each event: about 4 % of what the events themselves take.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from hashlib import sha256

from pydantic import TypeAdapter, ValidationError

from bot.core.conversation import Conversation
from bot.core.fold import FOLD
from bot.core.shapes import shape_of
from bot.core.window import WINDOW
from bot.eventlog.codec import event_models

EVERY = 50
"""A snapshot is due each time a stream passes a multiple of this many events.

Compared with 100, a cold channel took two thirds of the time, and recording 2 % more of a processor.
"""

RECENT, SPACING = 500, 500
"""How many of the newest events keep all their snapshots, and the distance in events between older snapshots."""

_THIN = """
DELETE FROM snapshots WHERE stream_id = (SELECT id FROM streams WHERE name = ?) AND version BETWEEN ? AND ?
AND EXISTS (
    SELECT 1 FROM snapshots kept WHERE kept.stream_id = snapshots.stream_id
    AND kept.version < snapshots.version AND kept.version / ? = snapshots.version / ?
)
"""


@cache
def fingerprint() -> str:
    """Return the fingerprint of this release's fold: of its number, the window, the shape of the state, and the events.

    A release that skipped events which it did not know made other states than one that knows them.
    """
    shape = shape_of(_adapter().json_schema())
    known = " ".join(f"{model.TYPE} {model.V}" for model in event_models())
    return sha256(f"{FOLD}:{WINDOW}:{shape}:{known}".encode()).hexdigest()[:16]


def due(before: int, after: int, every: int = EVERY) -> bool:
    """Tell whether going from version ``before`` to ``after`` passes a multiple of ``every``."""
    return after // every > before // every


def encode(state: Conversation) -> tuple[str, bytes]:
    """Return the JSON of ``state`` and its digest."""
    data = _adapter().dump_json(state)
    return data.decode(), sha256(data).digest()


def save(connection: sqlite3.Connection, stream: str, state: Conversation, now: int) -> None:
    """Store ``state`` as a snapshot of ``stream`` at its version."""
    data, digest = encode(state)
    connection.execute(
        "INSERT OR REPLACE INTO snapshots (stream_id, version, fold, taken_at, digest, state) "
        "SELECT id, ?, ?, ?, ?, ? FROM streams WHERE name = ?",
        (state.version, fingerprint(), now, digest, data, stream),
    )
    _thin(connection, stream, state.version - RECENT)


def newest(connection: sqlite3.Connection, stream: str, upto: int | None = None) -> Conversation | None:
    """Return the newest usable snapshot of ``stream`` at or before version ``upto``, or None."""
    sql = (
        "SELECT n.state, n.digest, n.version FROM snapshots n JOIN streams s ON s.id = n.stream_id "
        "WHERE s.name = ? AND n.fold = ? AND n.version <= min(s.version, ?) ORDER BY n.version DESC LIMIT 3"
    )
    try:
        rows = connection.execute(sql, (stream, fingerprint(), 2**62 if upto is None else upto))
        return next((state for row in rows if (state := _decode(*row)) is not None), None)
    except sqlite3.DatabaseError:
        # A damaged snapshot costs only time. If events are damaged too, reading them raises.
        return None


def newest_version(connection: sqlite3.Connection, stream: str, upto: int) -> int:
    """Return the version of the newest snapshot of this fold at or before version ``upto``, 0 for none."""
    sql = (
        "SELECT max(n.version) FROM snapshots n JOIN streams s ON s.id = n.stream_id "
        "WHERE s.name = ? AND n.fold = ? AND n.version <= ?"
    )
    return connection.execute(sql, (stream, fingerprint(), upto)).fetchone()[0] or 0


def forget(connection: sqlite3.Connection, stream: str) -> int:
    """Delete every snapshot of ``stream``, those of own folds too, and return how many there were."""
    ours, own = (
        connection.execute(f"DELETE FROM {table} WHERE stream_id = (SELECT id FROM streams WHERE name = ?)", (stream,))  # noqa: S608 - constants
        for table in ("snapshots", "own_snapshots")
    )
    return ours.rowcount + own.rowcount


def _thin(connection: sqlite3.Connection, stream: str, last: int) -> None:
    """Thin the snapshots that have just become old: keep the first of each ``SPACING`` versions."""
    first = max(0, last // SPACING - 1) * SPACING
    connection.execute(_THIN, (stream, first, last, SPACING, SPACING))


def _decode(data: object, digest: bytes, version: int) -> Conversation | None:
    if not isinstance(data, str) or sha256(data.encode()).digest() != digest:
        return None
    try:
        state = _adapter().validate_json(data)
    except ValidationError:
        return None
    return state if state.version == version else None


@cache
def _adapter() -> TypeAdapter[Conversation]:
    return TypeAdapter(Conversation)
