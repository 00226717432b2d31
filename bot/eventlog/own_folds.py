"""A program's own folds in the log: their snapshots, and the events after the newest one.

A snapshot is a cache with a version, as those of conversations (see :mod:`bot.eventlog.snapshots`). It carries its
fold's fingerprint and a digest of itself, and is passed over, without an error, where either does not fit. Of each fold
of a stream the newest ``KEPT`` stay: a program decides how large its states are.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from functools import partial
from hashlib import sha256
from typing import Any, Generic, NamedTuple, TypeAlias

from bot.core.own.fold import F, decode, encode, fingerprint, folded
from bot.eventlog.folding import PAGE, tail_of
from bot.eventlog.quarantine import Quarantine
from bot.eventlog.reader import Reader
from bot.interpreter import collector_paused

KEPT = 3

_NEWEST = """
SELECT n.state, n.digest, n.version FROM own_snapshots n JOIN streams s ON s.id = n.stream_id
WHERE s.name = ? AND n.name = ? AND n.fold = ? AND n.version <= s.version ORDER BY n.version DESC
"""
_SAVE = """
INSERT OR REPLACE INTO own_snapshots (stream_id, name, version, fold, taken_at, digest, state)
SELECT id, ?, ?, ?, ?, ?, ? FROM streams WHERE name = ?
"""
_THIN = """
DELETE FROM own_snapshots WHERE stream_id = (SELECT id FROM streams WHERE name = ?1) AND name = ?2
AND (fold <> ?3 OR version NOT IN (
    SELECT version FROM own_snapshots WHERE stream_id = (SELECT id FROM streams WHERE name = ?1) AND name = ?2
    AND fold = ?3 ORDER BY version DESC LIMIT ?4
))
"""


class At(NamedTuple, Generic[F]):
    """A state, the version of the stream that it is at, and that of the snapshot it began from (0: from nothing)."""

    state: F
    version: int
    snapshot_version: int


AnyAt: TypeAlias = At[Any]
"""That of any fold."""


def save(connection: sqlite3.Connection, stream: str, at: At[F], now: int) -> int:
    """Store a state as a snapshot of ``stream``; return its characters as JSON, 0 where it can't be kept as that."""
    if (data := encode(at.state)) is None:
        return 0
    fold = type(at.state)
    values = (fold.NAME, at.version, fingerprint(fold), now, sha256(data.encode()).digest(), data, stream)
    connection.execute(_SAVE, values)
    connection.execute(_THIN, (stream, fold.NAME, fingerprint(fold), KEPT))
    return len(data)


def newest(connection: sqlite3.Connection, stream: str, fold: type[F]) -> At[F]:
    """Return the newest usable snapshot of ``stream``, or the state before its first event."""
    # A damaged snapshot costs only time, and a log of an older release has none. Damaged events are told when read.
    with suppress(sqlite3.DatabaseError):
        for data, digest, version in connection.execute(_NEWEST, (stream, fold.NAME, fingerprint(fold))):
            whole = isinstance(data, str) and sha256(data.encode()).digest() == digest
            if whole and (state := decode(fold, data)) is not None:
                return At(state, version, version)
    return At(fold(), 0, 0)


async def load(reader: Reader, stream: str, fold: type[F]) -> At[F]:
    """Return the state of ``stream`` now, from the newest usable snapshot and the events after it.

    It is folded page by page on the reader's thread, so that the event loop goes on meanwhile.
    """
    at = await reader.connection.run(lambda connection: newest(connection, stream, fold))
    whole = False
    while not whole:
        at, whole = await reader.connection.run(partial(_advanced, stream, at, reader.quarantine))
    return at


def _advanced(stream: str, at: At[F], quarantine: Quarantine, connection: sqlite3.Connection) -> tuple[At[F], bool]:
    """Return the state one page of events later, and whether these were all."""
    with collector_paused():
        page = tail_of(stream, at.version, None, connection)
        quarantine.note(page)
        state, version, count = folded(at.state, page), page[-1].version if page else at.version, len(page)
        del page
    return At(state, version, at.snapshot_version), count < PAGE
