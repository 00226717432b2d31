"""The ledger gives each event its position, version, cause and hash, from what it knows of the end of the log.

It is ahead of the disk: rows for the next commit are made while the one before is written. When a commit fails, the
ledger forgets what it knew and looks it up again.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.core.events import Draft, Key, Recorded
from bot.errors import LogDamaged, VersionConflict
from bot.eventlog.batch import Append, Appended, Batch, Effect, Head, Unit
from bot.eventlog.chain import GENESIS, Chain, packed
from bot.eventlog.codec import decode, encode_body, encode_event
from bot.eventlog.keys import NONCE_BYTES
from bot.eventlog.vault import Entropy, Vault

_SALT_BYTES = 16
_ERASES = int(Effect.ERASES)
_NO_KEY = (None, None, None)
_NO_BODY = (None, None, None, None)
_FIND_KEY = """
SELECT position, version, type, v, recorded_at, correlation, causation, data FROM events
WHERE key_kind = ? AND key_id = ? AND key_part = ? AND stream_id = ?
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What was read from the log: newest position and its hash, greatest stream id, heads by stream, events by key."""

    position: int
    hash: bytes
    streams: int
    heads: dict[str, Head]
    events: dict[tuple[str, Key], Recorded]


@dataclass(slots=True)
class Ledger:
    """Remembers heads, assigns positions, and turns drafts into rows; ``clock`` returns microseconds."""

    vault: Vault
    chain: Chain
    clock: Callable[[], int]
    heads: OrderedDict[str, Head] = field(default_factory=OrderedDict)
    position: int = -1
    _hash: bytes = b""
    _streams: int = 0
    _entropy: Entropy = field(default_factory=Entropy)

    def knows(self, stream: str) -> bool:
        """Tell whether the head of ``stream`` is known, so that an append can be prepared without reading the log."""
        return self.position >= 0 and stream in self.heads

    def learn(self, known: Known) -> None:
        """Take over what was read from the log, except where newer rows are being written."""
        if self.position < 0:
            self.position, self._streams = known.position, known.streams
            self._hash = known.hash if known.position >= self.chain.start.first else self.chain.start.root
        for stream, head in known.heads.items():
            self.heads.setdefault(stream, head)

    def forget(self, streams: Collection[int]) -> None:
        """Forget the end of the log and the heads of ``streams`` (ids), because their rows were not written."""
        for stream in [name for name, head in self.heads.items() if head.id in streams or not head.made]:
            del self.heads[stream]
        self.position = -1

    def shrink(self, size: int, kept: Collection[int]) -> None:
        """Forget the least recently used heads beyond ``size``, except those of ``kept``: streams not written yet."""
        surplus = len(self.heads) - size
        if surplus > 0:
            for stream in [name for name, head in self.heads.items() if head.id not in kept][:surplus]:
                del self.heads[stream]

    def append(self, batch: Batch, request: Append, known: Known | None) -> list[Appended] | VersionConflict:
        """Add a request's rows to ``batch`` and return the result for each unit, up to the first that is known already.

        Without ``known`` every unit counts as new, and the database refuses a repeated key.
        """
        head = self._head(request.stream)
        if request.expected_version is not None and request.expected_version != head.version:
            return VersionConflict(request.stream, expected=request.expected_version, actual=head.version)
        before = (len(batch.values), self.position, self._hash, self._streams, head.version, head.hash, head.made)
        try:
            return self._units(batch, request, head, known)
        except Exception:
            size, self.position, self._hash, self._streams, head.version, head.hash, head.made = before
            del batch.values[size:]
            raise

    def _head(self, stream: str) -> Head:
        head = self.heads.get(stream)
        if head is None:
            head = self.heads[stream] = Head(0, 0, GENESIS, made=False)
        else:
            self.heads.move_to_end(stream)
        return head

    def _units(self, batch: Batch, request: Append, head: Head, known: Known | None) -> list[Appended]:
        now, stream = self.clock(), request.stream
        outcomes: list[Appended] = []
        for unit in request.units:
            if known is not None and (there := _there(stream, unit, known)):
                outcomes.append(Appended((), there))
                break
            new: list[Recorded] = []
            for draft in unit:
                cause = new[0].position if new and draft.causation is None else draft.causation
                new.append(self._event(batch, stream, head, draft, now, cause))
            batch.streams.add(head.id)
            outcomes.append(Appended(tuple(new)))
            if known is not None:
                _remember(known, stream, new)
        return outcomes

    def _event(self, batch: Batch, stream: str, head: Head, draft: Draft, now: int, causation: int | None) -> Recorded:
        event, body, subject_id, _ = draft
        made = None if head.made else self._make(stream, head)
        position, version = self.position + 1, head.version + 1
        data, key, about = encode_event(event), event.key(), event.about()
        digest, *words = _NO_BODY if body is None else self._seal(stream, position, subject_id, encode_body(body))
        type_name, v = event.TYPE, event.V
        fields = packed(stream, position, version, type_name, v, now, key, about, causation, data, digest)
        link = self.chain.link(head.hash, self._hash, fields)
        # Plain numbers: sqlite3 takes as long for one enum member or bool as for the rest of the row.
        kind, key_id, part = (int(key.kind), key.id, key.part) if key else _NO_KEY
        batch.values += (
            position, head.id, version, type_name, v, now, kind, key_id, part, about, causation,
            data.decode(), digest, link, *words, made, _ERASES if event.ERASES else int(event.OPENS),
        )  # fmt: skip
        self.position, head.version = position, version
        self._hash = head.hash = link
        return Recorded(position, stream, version, now, event, about, causation)

    def _make(self, stream: str, head: Head) -> str:
        self._streams += 1
        head.id, head.made = self._streams, True
        return stream

    def _seal(
        self, stream: str, position: int, subject_id: int | None, body: bytes
    ) -> tuple[bytes, int | None, bytes, bytes]:
        """Return a body's digest, and what is kept of it: whose it is, its salt and its sealed form."""
        random = self._entropy.draw(_SALT_BYTES + NONCE_BYTES)
        salt = random[:_SALT_BYTES]
        sealed = self.vault.seal(stream, position, body, random[_SALT_BYTES:])
        return self.chain.digest(salt, subject_id, body), subject_id, salt, sealed


def look_up(connection: sqlite3.Connection, requests: Sequence[tuple[Append, bool]]) -> Known:
    """Return what the log holds of the requests' streams, and of a request's keys where its flag is set.

    Keys are looked for up to the first unit that is known, because the units after it are not appended.
    """
    newest = connection.execute("SELECT position, hash FROM events ORDER BY position DESC LIMIT 1").fetchone()
    (streams,) = connection.execute("SELECT coalesce(max(id), 0) FROM streams").fetchone()
    position, link = _sound(newest or (0, b""))
    known = Known(position, link, streams, {}, {})
    for request, keys in requests:
        row = connection.execute("SELECT id, version, hash FROM streams WHERE name = ?", (request.stream,)).fetchone()
        if row is None:
            continue
        head = known.heads.setdefault(request.stream, Head(*_sound(row)))
        if keys:
            _look_for_keys(connection, request, head.id, known)
    return known


def _sound(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return numbers and, last, a hash; raise LogDamaged for anything else, before a new event builds on it."""
    *numbers, link = row
    if not all(isinstance(number, int) for number in numbers) or not isinstance(link, bytes):
        raise LogDamaged(
            "The end of the log is damaged: see `echoless log verify`, and restore its folder from a backup."
        )
    return row


def _look_for_keys(connection: sqlite3.Connection, request: Append, stream_id: int, known: Known) -> None:
    for unit in request.units:
        for draft in unit:
            key = draft.event.key()
            row = key and connection.execute(_FIND_KEY, (*key, stream_id)).fetchone()
            if key and row:
                known.events[request.stream, key] = _recorded(request.stream, row)
        if _there(request.stream, unit, known):
            return


def _recorded(stream: str, row: tuple[Any, ...]) -> Recorded:
    position, version, type_name, v, recorded_at, correlation, causation, data = row
    return Recorded(position, stream, version, recorded_at, decode(type_name, v, data), correlation, causation)


def _there(stream: str, unit: Unit, known: Known | None) -> tuple[Recorded, ...]:
    """Return the recorded events that have the keys of a unit."""
    if known is None or not known.events:
        return ()
    keys = (draft.event.key() for draft in unit)
    found = (known.events.get((stream, key)) for key in keys if key is not None)
    return tuple(recorded for recorded in found if recorded is not None)


def _remember(known: Known, stream: str, new: Sequence[Recorded]) -> None:
    """Add events that are about to be written to ``known``, so that later requests of the batch find them."""
    for recorded in new:
        key = recorded.event.key()
        if key is not None:
            known.events[stream, key] = recorded
