"""The verification of events: their places, hashes, keys and words, and what other tables say of them.

Reads in pages and keeps one state a stream, so memory depends on the number of streams and not on that of the events.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.core.conversation import Conversation
from bot.core.events import Recorded, Retired, Several, Unread, Unreadable
from bot.core.fold import apply
from bot.errors import KeyMismatch
from bot.eventlog import chain, snapshots
from bot.eventlog.codec import decode
from bot.eventlog.folding import PAGE
from bot.eventlog.stored_text import text_as_stored
from bot.eventlog.vault import Vault
from bot.eventlog.verify_erasures import Receipts
from bot.interpreter import collector_paused

_ROWS = """
SELECT position, stream_id, version, type, v, recorded_at, key_kind, key_id, key_part, correlation, causation,
       data, body_digest, hash, subject_id, salt, sealed
FROM events WHERE position > ? AND (? OR stream_id = ?) ORDER BY position LIMIT ?
"""
BEFORE = "before"
"""The name in ``meta`` of an archive's hashes that stand before its events in the whole log, one after the other."""
_HASH_BYTES = 32
_SNAPSHOTS = "SELECT version, digest FROM snapshots WHERE stream_id = ? AND fold = ?"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, at ``version`` of ``stream`` (0: of the stream; "": of the log).

    ``newer``: it is none of the log, but of this release, which does not know what a newer one may have written.
    """

    stream: str
    version: int
    problem: str
    newer: bool = False

    def __str__(self) -> str:
        """Return the fault after its place, in which only an event has a version."""
        return f"{self.stream or 'the log'}{f' v{self.version}' if self.version else ''}: {self.problem}"


class _Row(NamedTuple):
    position: int
    stream_id: int
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
    subject_id: int | None
    salt: bytes | None
    sealed: bytes | None


@dataclass(slots=True)
class _Stream:
    """What the events read so far gave for one stream."""

    name: str
    version: int = 0
    hash: bytes = chain.GENESIS
    state: Conversation = field(default_factory=Conversation)
    snapshots: Mapping[int, bytes] = field(default_factory=dict)


class EventCheck:
    """Checks the events of a log, or of one stream (``only``), a page at a time.

    ``checked`` counts the events so far, and ``erased`` those of them whose words are gone.
    """

    def __init__(self, vault: Vault | None, only: str | None) -> None:
        self.checked = self.erased = 0
        self.done = False
        self._vault = vault
        self._chain = vault.keys.chain() if vault and vault.keys.start else None
        self._only = only
        self._root: chain.Root | None = chain.Root(vault.keys.log_id if vault else b"")
        self._position = 0
        self._hash = b""
        self._kept_before: bytes | None = None
        self._streams: dict[int, _Stream] = {}
        self._receipts = Receipts()

    def page(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        """Check the next page, and after the last one what other tables say of the events."""
        self.done = True  # whatever stops this page ends the check
        row = self._only and connection.execute("SELECT id FROM streams WHERE name = ?", (self._only,)).fetchone()
        if self._only and not row:
            yield Finding(self._only, 0, "there is no such stream")
            return
        before = self.checked
        with text_as_stored(connection), collector_paused():
            rows = connection.execute(_ROWS, (self._position, not row, row and row[0], PAGE)).fetchall()
            for each in map(_Row._make, rows):
                if each.position <= self._position:
                    yield Finding("", 0, f"what follows position {self._position} is out of order")
                    return
                yield from self._event(connection, each)
        self.done = self.checked - before < PAGE
        if self.done:
            yield from self._end(connection)

    def _event(self, connection: sqlite3.Connection, row: _Row) -> Iterator[Finding]:
        if not self._only and row.position != self._position + 1:
            yield Finding("", 0, f"there is no event between positions {self._position} and {row.position}")
        if self._root is not None:
            yield from self._before_chain(row)
        problems: list[str] = []
        unknown: Unreadable | None = None
        stream = self._streams.get(row.stream_id) or self._begun(connection, row.stream_id, problems)
        try:
            self._place(connection, stream, row, problems)
            self._words(stream, row, problems)
            unknown = self._fold(connection, stream, row, problems)
        except Exception as error:  # noqa: BLE001 - damaged fields can make anything fail, and have to be told
            problems.append(f"it can't be checked ({type(error).__name__})")
        # Go on from what is stored, so that one change gives one finding.
        stream.version, stream.hash = row.version, row.hash
        self._position, self._hash = row.position, row.hash
        self.checked += 1
        for problem in problems:
            yield Finding(stream.name, row.version, problem)
        if unknown is not None:
            yield Finding(stream.name, row.version, str(unknown), newer=unknown.why is not Unread.DATA)

    def _begun(self, connection: sqlite3.Connection, stream_id: int, problems: list[str]) -> _Stream:
        row = connection.execute("SELECT name FROM streams WHERE id = ?", (stream_id,)).fetchone()
        stream = self._streams[stream_id] = _Stream(row[0] if row else f"stream {stream_id} without a name")
        try:
            stream.snapshots = dict(connection.execute(_SNAPSHOTS, (stream_id, snapshots.fingerprint())))
        except sqlite3.DatabaseError as error:
            problems.append(f"the stream's snapshots can't be read: {error}")
        return stream

    def _place(self, connection: sqlite3.Connection, stream: _Stream, row: _Row, problems: list[str]) -> None:
        if row.version != stream.version + 1:
            problems.append(f"it follows version {stream.version}")
        if self._vault and self._link(connection, stream, row) != row.hash:
            problems.append("its hash does not fit: it, or one before it, was changed or taken away")

    def _link(self, connection: sqlite3.Connection, stream: _Stream, row: _Row) -> bytes:
        fields = chain.packed(
            stream.name,
            row.position,
            row.version,
            row.type,
            row.v,
            row.recorded_at,
            (row.key_kind, row.key_id, row.key_part),
            row.correlation,
            row.causation,
            row.data.encode(errors="surrogateescape"),
            row.body_digest,
        )
        before = self._before(connection, row)
        return chain.expected_link(self._chain, row.position, stream.hash, before, fields)

    def _before(self, connection: sqlite3.Connection, row: _Row) -> bytes:
        """Return the hash that stands before an event in the whole log. Which one is right, the event's own hash tells.

        An archive holds one stream alone, and these hashes beside it.
        """
        if row.position == self._position + 1:
            return self._hash
        found = connection.execute("SELECT hash FROM events WHERE position = ?", (row.position - 1,)).fetchone()
        if found:
            return bytes(found[0])
        if self._kept_before is None:
            kept = connection.execute("SELECT value FROM meta WHERE name = ?", (BEFORE,)).fetchone()
            self._kept_before = bytes(kept[0]) if kept else b""
        return self._kept_before[_HASH_BYTES * (row.version - 1) : _HASH_BYTES * row.version]

    def _words(self, stream: _Stream, row: _Row, problems: list[str]) -> None:
        if row.sealed is None and row.salt is None and row.subject_id is None:
            if row.body_digest is not None:
                self.erased += 1
                self._receipts.note(row.position)
        elif row.sealed is None or row.salt is None:
            problems.append("its words are there in part")
        elif row.body_digest is None:
            problems.append("it has words that it was not recorded with")
        elif self._vault:
            try:
                body = self._vault.open(stream.name, row.position, row.sealed)
            except KeyMismatch:
                problems.append("its words do not open with this key")
                return
            if self._digest(row, row.salt, body) != row.body_digest:
                problems.append("its words, or whose they are, were changed")

    def _digest(self, row: _Row, salt: bytes, body: bytes) -> bytes:
        if self._chain is None or self._is_plain(row):
            return chain.digest_plain(salt, body)
        return self._chain.digest(salt, row.subject_id, body)

    def _is_plain(self, row: _Row) -> bool:
        """Tell whether an event is before the keyed chain."""
        return self._chain is None or row.position < self._chain.start.first

    def _fold(
        self, connection: sqlite3.Connection, stream: _Stream, row: _Row, problems: list[str]
    ) -> Unreadable | None:
        """Check an event by what it says, and fold it; return what comes in its place if it can't be read."""
        event = decode(row.type, row.v, row.data)
        unknown = event if isinstance(event, Unreadable) else None
        says = unknown is None and type(event) is not Retired
        if says and (event.key() or (None, None, None)) != (row.key_kind, row.key_id, row.key_part):
            problems.append("its dedupe key is not its own")
        if says and event.about() != row.correlation:
            problems.append("it is noted under another message than it is about")
        # The digests of the first releases do not cover whose the words are.
        covered = row.sealed is None or not self._is_plain(row)
        if not covered and getattr(event, "author_id", row.subject_id) != row.subject_id:
            problems.append("its words are noted as another person's")
        for one in event.events if type(event) is Several else (event,):
            if one.ERASES:
                problems += self._receipts.take(connection, one, row.position, row.stream_id, row.version)
        recorded = Recorded(
            row.position, stream.name, row.version, row.recorded_at, event, row.correlation, row.causation
        )
        apply(stream.state, (recorded,))
        snapshot = stream.snapshots.get(row.version)
        if snapshot and not stream.state.unreadable and snapshot != snapshots.encode(stream.state)[1]:
            problems.append("its snapshot is not what the events give")
        return unknown

    def _end(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        """Compare heads and notes of unfinished work with what the events gave."""
        open_streams = {row[0] for row in connection.execute("SELECT stream_id FROM unfinished")}
        heads = connection.execute("SELECT id, name, version, hash FROM streams").fetchall()
        for stream_id, name, version, link in heads:
            stream = self._streams.pop(stream_id, None) or _Stream(name)
            if self._only not in (None, name):
                continue
            if version != stream.version:
                yield Finding(name, 0, f"the stream ends at version {stream.version}, its head says {version}")
            elif link != stream.hash:
                yield Finding(name, 0, "the stream's head does not fit its last event")
            if stream.state.outbox and stream_id not in open_streams:
                yield Finding(name, 0, "the stream has an open reply, and is not noted as unfinished")
        for stream in self._streams.values():
            yield Finding(stream.name, 0, "the stream has events, and no head")
        for name, version in self._receipts.missing(connection):
            yield Finding(name, version, "its words are gone, and no event says who erased them")
        yield from self._before_chain(None)

    def _before_chain(self, row: _Row | None) -> Iterator[Finding]:
        """Sum up the events before the keyed chain, and compare the sum as soon as one of the chain comes, or none."""
        if self._root is None or self._chain is None or self._only:
            return
        if row and row.position < self._chain.start.first:
            self._root.add(row.hash)
            return
        if self._root.digest() != self._chain.start.root:
            yield Finding(
                "", 0, f"the events before position {self._chain.start.first} are not those that its chain begins with"
            )
        self._root = None
