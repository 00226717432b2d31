"""Verification: the chain, versions without gaps, bodies against their digests, snapshots against a full fold.

Reads the log in pages, one stream after the other, so memory does not depend on the length of the log.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from bot.core.conversation import Conversation
from bot.core.events import Recorded
from bot.core.fold import apply
from bot.errors import KeyMismatch, LogDamaged, LogError, LogForeign
from bot.eventlog import chain, snapshots
from bot.eventlog.codec import decode
from bot.eventlog.reader import PAGE, Reader, StreamInfo
from bot.eventlog.vault import Vault
from bot.interpreter import collector_paused

_ROWS = """
SELECT e.position, e.version, e.type, e.v, e.recorded_at, e.key_kind, e.key_id, e.key_part,
       e.correlation, e.causation, e.data, e.body_digest, e.hash, b.salt, b.sealed
FROM events e LEFT JOIN bodies b ON b.position = e.position
WHERE e.stream_id = (SELECT id FROM streams WHERE name = ?) AND e.version > ?
ORDER BY e.version LIMIT ?
"""
_SNAPSHOTS = """
SELECT version, state, digest FROM snapshots
WHERE stream_id = (SELECT id FROM streams WHERE name = ?) AND fold = ? ORDER BY version
"""
_HEAD = "SELECT version, hash FROM streams WHERE name = ?"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, at ``version`` of ``stream``; version 0 is before its first event."""

    stream: str
    version: int
    problem: str

    def __str__(self) -> str:
        """Return the fault after its place, in which only an event has a version."""
        return f"{self.stream}{f' v{self.version}' if self.version else ''}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a verification is: the number of ``events`` checked so far in ``stream``, and the faults found there."""

    stream: str
    events: int
    findings: tuple[Finding, ...] = ()


async def verify(reader: Reader, streams: Sequence[StreamInfo]) -> AsyncIterator[Progress]:
    """Check ``streams`` and report after each page."""
    for stream in streams:
        check = _Check(stream.name, reader.vault)
        while not check.done:
            try:
                progress = await reader.connection.run(check.page)
            except LogError as error:
                yield check.broken_off(error)
                break
            yield progress


@contextmanager
def _reading(connection: sqlite3.Connection) -> Iterator[None]:
    """Give several queries the same view of a log that is being appended to."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


class _Row(NamedTuple):
    position: int
    version: int
    type: str
    v: int
    recorded_at: int
    key_kind: int | None
    key_id: int | None
    key_part: int | None
    correlation: int | None
    causation: int | None
    data: str
    body_digest: bytes | None
    hash: bytes
    salt: bytes | None
    sealed: bytes | None


class _Check:
    """The verification of one stream, a page at a time."""

    def __init__(self, stream: str, vault: Vault | None) -> None:
        self.stream = stream
        self.version = 0
        self.done = False
        self._vault = vault
        self._hash = chain.GENESIS
        self._state = Conversation()
        self._snapshots: dict[int, tuple[str, bytes]] | None = None

    def page(self, connection: sqlite3.Connection) -> Progress:
        findings = self._begin(connection) if self._snapshots is None else []
        with _reading(connection):
            rows = connection.execute(_ROWS, (self.stream, self.version, PAGE)).fetchall()
            head = connection.execute(_HEAD, (self.stream,)).fetchone()
        with collector_paused():
            findings += [finding for row in rows for finding in self._row(_Row._make(row))]
        self.done = len(rows) < PAGE
        if self.done:
            findings += self._end(head)
        return Progress(self.stream, len(rows), tuple(findings))

    def broken_off(self, error: LogError) -> Progress:
        self.done = True
        return Progress(self.stream, 0, (self._finding(f"what follows can't be read: {error}"),))

    def _begin(self, connection: sqlite3.Connection) -> list[Finding]:
        self._snapshots = {}
        try:
            rows = connection.execute(_SNAPSHOTS, (self.stream, snapshots.fingerprint())).fetchall()
        except sqlite3.DatabaseError:
            return [self._finding("its snapshots can't be read: the database is damaged there")]
        self._snapshots = {version: (state, digest) for version, state, digest in rows}
        return []

    def _end(self, head: tuple[int, bytes] | None) -> list[Finding]:
        if head is None:
            return [self._finding("there is no such stream")]
        version, last = head
        if version != self.version:
            return [self._finding(f"the stream ends at version {self.version}, its head says {version}")]
        return [] if last == self._hash else [self._finding("the stream's head does not fit its last event")]

    def _row(self, row: _Row) -> list[Finding]:
        problems: list[str] = []
        if row.version != self.version + 1:
            problems.append(f"it follows version {self.version}")
        self.version = row.version
        if self._link(row) != row.hash:
            problems.append("its hash does not fit: it, or the one before it, was changed")
        # Continue with the stored hash, so that one change gives one finding.
        self._hash = row.hash
        problems += self._body(row)
        problems += self._fold(row)
        return [self._finding(problem) for problem in problems]

    def _link(self, row: _Row) -> bytes:
        return chain.link(
            self._hash,
            self.stream,
            row.position,
            row.version,
            row.type,
            row.v,
            row.recorded_at,
            (row.key_kind, row.key_id, row.key_part),
            row.correlation,
            row.causation,
            row.data.encode(),
            row.body_digest,
        )

    def _body(self, row: _Row) -> list[str]:
        if row.sealed is None or row.salt is None or self._vault is None:
            return []
        try:
            body = self._vault.open(row.position, row.sealed)
        except KeyMismatch:
            return ["its words do not open with this key"]
        fits = chain.body_digest(row.salt, body) == row.body_digest
        return [] if fits else ["its words were changed"]

    def _fold(self, row: _Row) -> list[str]:
        try:
            event = decode(row.type, row.v, row.data)
        except (LogDamaged, LogForeign) as error:
            return [str(error)]
        recorded = Recorded(
            row.position, self.stream, row.version, row.recorded_at, event, row.correlation, row.causation
        )
        apply(self._state, (recorded,))
        snapshot = (self._snapshots or {}).pop(row.version, None)
        if snapshot is None or snapshot == snapshots.encode(self._state):
            return []
        return ["its snapshot is not what the events give"]

    def _finding(self, problem: str) -> Finding:
        return Finding(self.stream, self.version, problem)
