"""The single writer: it takes everything that waits, commits once, then answers each caller (group commit).

Only one task owns the only writing connection. On a shared connection interleaved appends would share a transaction,
and one caller's rollback would take its neighbour's events along. Here a stale version or a repeated key is found
before anything of that append is written, so it never harms the others of the batch.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bot.core.events import Key, Recorded
from bot.errors import LogError, LogUnwritable, VersionConflict
from bot.eventlog import chain
from bot.eventlog.codec import Encoded, decode
from bot.eventlog.database import Connection
from bot.eventlog.vault import Vault

Unit: TypeAlias = Sequence[Encoded]
"""Events that are recorded together or not at all."""

Work: TypeAlias = Callable[[sqlite3.Connection], Any]

HEADS = 20_000
"""How many streams' heads the writer remembers; others are read again when they are appended to."""

_INSERT_EVENT = """
INSERT INTO events (position, stream_id, version, type, v, recorded_at, key_kind, key_id, key_part,
                    correlation, causation, data, body_digest, hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FIND_KEY = """
SELECT position, version, type, v, recorded_at, correlation, causation, data FROM events
WHERE stream_id = ? AND key_kind = ? AND key_id = ? AND key_part = ?
"""


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of one unit: ``new`` events, or those ``known`` already, by whose keys it was recognized."""

    new: tuple[Recorded, ...] = ()
    known: tuple[Recorded, ...] = ()


@dataclass(frozen=True, slots=True)
class Append:
    """A request to append ``units`` to ``stream`` at ``expected`` version (None: wherever it is)."""

    stream: str
    units: Sequence[Unit]
    expected: int | None


@dataclass(slots=True)
class _Head:
    id: int
    version: int
    hash: bytes


_Outcome: TypeAlias = "list[Appended] | VersionConflict | Any"
_Waiting: TypeAlias = "tuple[Append | Work, asyncio.Future[Any]]"


@dataclass(slots=True)
class Writer:
    """Owns the writing connection; :meth:`run` is its task, :meth:`submit` and :meth:`write` its callers' side."""

    connection: Connection
    vault: Vault
    clock: Callable[[], int]
    _waiting: list[_Waiting] = field(default_factory=list)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _heads: OrderedDict[str, _Head] = field(default_factory=OrderedDict)
    _position: int | None = None
    _closing: bool = False

    @property
    def depth(self) -> int:
        """Return how many requests wait."""
        return len(self._waiting)

    async def append(self, request: Append) -> list[Appended]:
        """Append unit by unit and return what became of each, up to and including the first one known already.

        What comes after a known unit was decided in the belief that it is new, so it is left for the caller to decide
        again.

        Raises VersionConflict when the stream is not at the expected version, LogError when it can't be written.
        """
        outcome: list[Appended] = await self._enqueue(request)
        return outcome

    async def write(self, work: Work) -> Any:  # noqa: ANN401 - whatever the work returns
        """Run ``work`` inside the writer's next transaction and return its result."""
        return await self._enqueue(work)

    async def run(self) -> None:
        """Serve until :meth:`close`; what waits by then is still written."""
        while self._waiting or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            batch, self._waiting = self._waiting, []
            if batch:
                await self._serve(batch)

    def close(self) -> None:
        """Let :meth:`run` end once nothing waits."""
        self._closing = True
        self._wake.set()

    def _enqueue(self, request: Append | Work) -> asyncio.Future[Any]:
        if self._closing:
            raise LogError("The log is closed: open it again to append.")
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        self._wake.set()
        return future

    async def _serve(self, batch: list[_Waiting]) -> None:
        outcomes = await self._attempt([request for request, _ in batch])
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    async def _attempt(self, requests: Sequence[Append | Work]) -> list[_Outcome]:
        try:
            return await self.connection.run(lambda connection: self._commit(connection, requests))
        except LogUnwritable as error:
            return [error] * len(requests)
        except Exception as error:  # noqa: BLE001 - the writer outlives whatever one request brings
            if len(requests) == 1:
                return [error]
            # One of them is at fault: each on its own, so that the others are not harmed.
            return [outcome for request in requests for outcome in await self._attempt([request])]

    def _commit(self, connection: sqlite3.Connection, requests: Sequence[Append | Work]) -> list[_Outcome]:
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._one(connection, request) for request in requests]
            connection.execute("COMMIT")
        except Exception:
            # What was remembered of this transaction never happened.
            self._heads.clear()
            self._position = None
            if connection.in_transaction:
                connection.rollback()
            raise
        while len(self._heads) > HEADS:
            self._heads.popitem(last=False)
        return outcomes

    def _one(self, connection: sqlite3.Connection, request: Append | Work) -> _Outcome:
        if not isinstance(request, Append):
            return request(connection)
        head = self._head(connection, request.stream)
        if request.expected is not None and request.expected != head.version:
            return VersionConflict(request.stream, expected=request.expected, actual=head.version)
        before = head.version
        now = self.clock()
        outcomes: list[Appended] = []
        for unit in request.units:
            outcomes.append(self._unit(connection, request.stream, head, unit, now))
            if outcomes[-1].known:
                break
        if head.version != before:
            connection.execute(
                "UPDATE streams SET version = ?, hash = ? WHERE id = ?", (head.version, head.hash, head.id)
            )
        return outcomes

    def _unit(self, connection: sqlite3.Connection, stream: str, head: _Head, unit: Unit, now: int) -> Appended:
        known = tuple(
            recorded
            for encoded in unit
            if encoded.key is not None
            for recorded in _find(connection, stream, head.id, encoded.key)
        )
        if known:
            return Appended(known=known)
        new: list[Recorded] = []
        for encoded in unit:
            cause = new[0].position if encoded.causation is None and new else encoded.causation
            new.append(self._insert(connection, stream, head, encoded, now, cause))
        return Appended(new=tuple(new))

    def _insert(
        self,
        connection: sqlite3.Connection,
        stream: str,
        head: _Head,
        encoded: Encoded,
        now: int,
        causation: int | None,
    ) -> Recorded:
        position = self._next_position(connection)
        version = head.version + 1
        event, key = encoded.event, encoded.key
        digest = None if encoded.body is None else self._store_body(connection, position, encoded)
        head.hash = chain.link(
            head.hash,
            stream=stream,
            position=position,
            version=version,
            type_name=event.TYPE,
            v=event.V,
            recorded_at=now,
            key=key,
            correlation=encoded.correlation,
            causation=causation,
            data=encoded.data,
            body_digest=digest,
        )
        kind, about, part = key or (None, None, None)
        connection.execute(
            _INSERT_EVENT,
            (
                position, head.id, version, event.TYPE, event.V, now, kind, about, part,
                encoded.correlation, causation, encoded.data.decode(), digest, head.hash,
            ),
        )  # fmt: skip
        head.version = version
        if event.OPENS:
            connection.execute("INSERT OR IGNORE INTO unfinished (stream_id) VALUES (?)", (head.id,))
        return Recorded(position, stream, version, now, event, encoded.correlation, causation)

    def _store_body(self, connection: sqlite3.Connection, position: int, encoded: Encoded) -> bytes:
        body = encoded.body or b""
        salt = os.urandom(16)
        connection.execute(
            "INSERT INTO bodies (position, subject_id, message_id, salt, sealed) VALUES (?, ?, ?, ?, ?)",
            (position, encoded.subject, encoded.correlation, salt, self.vault.seal(position, body)),
        )
        return chain.body_digest(salt, body)

    def _next_position(self, connection: sqlite3.Connection) -> int:
        if self._position is None:
            (self._position,) = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
        self._position += 1
        return self._position

    def _head(self, connection: sqlite3.Connection, stream: str) -> _Head:
        head = self._heads.get(stream)
        if head is not None:
            self._heads.move_to_end(stream)
            return head
        row = connection.execute("SELECT id, version, hash FROM streams WHERE name = ?", (stream,)).fetchone()
        if row is None:
            cursor = connection.execute(
                "INSERT INTO streams (name, version, hash) VALUES (?, 0, ?)", (stream, chain.GENESIS)
            )
            row = (cursor.lastrowid, 0, chain.GENESIS)
        head = self._heads[stream] = _Head(*row)
        return head


def _find(connection: sqlite3.Connection, stream: str, stream_id: int, key: Key) -> list[Recorded]:
    rows = connection.execute(_FIND_KEY, (stream_id, *key)).fetchall()
    return [
        Recorded(position, stream, version, recorded_at, decode(type_name, v, data), correlation, causation)
        for position, version, type_name, v, recorded_at, correlation, causation, data in rows
    ]
