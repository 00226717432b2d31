"""Records: what one commit of the writer appends to an engine. This is format 1; the tables of SQLite may change.

A record is its *facts*, which never change, and its *words*, sealed, which can be erased. The facts::

    "ECH1"  kind  codec  owner (16 bytes)  prev (32 bytes)  body

``prev`` is the SHA-256 of the facts of the record before, so the records are a chain of their own. The body is a length
(4 bytes), JSON in columns, compressed, then the hashes of the events and the digests of their words, 32 bytes each,
which can't be compressed. The words are one entry for each event that has some: its index in the record, whose they
are, salt and seal.

An erasure needs no record of its own: it is an event, and whoever applies that event erases.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from bot.errors import LogDamaged, LogForeign, LogUnwritable
from bot.eventlog.batch import COLUMNS, WIDTH
from bot.eventlog.remote.port import Entry

FORMAT = 1

_HEAD = struct.Struct(">4scc16s32s")
_MAGIC, _ZLIB = b"ECH1", b"1"
_LENGTH = struct.Struct(">I")
_WORDS_MAGIC = b"ECW1"
_WORDS = struct.Struct(">I?qBI")
_HASH_BYTES = 32
_LEVEL = 1
"""More compression takes longer and saves little: most of what can be saved is in the names of types and of fields."""

_FACTS = (
    "stream_id", "version", "type", "v", "recorded_at", "key_kind", "key_id", "key_part", "correlation", "causation",
    "data", "made", "effect",
)  # fmt: skip
"""The columns in a body's JSON; the position of the first event is there too."""
_AT = {name: index for index, name in enumerate(COLUMNS)}


class Kind(Enum):
    """What a record is: the rows of a commit, a part of one that comes whole with its last, or a claim to the log."""

    ROWS = b"B"
    PART = b"P"
    CLAIM = b"C"


_KINDS = frozenset(each.value for each in Kind)


class Rows(NamedTuple):
    """The rows of a record, as a batch holds them, and the ids of the streams that were finished before it."""

    values: list[Any]
    finished: Sequence[int] = ()

    @property
    def first(self) -> int:
        """Return the position of the first event."""
        return int(self.values[0])

    @property
    def last(self) -> int:
        """Return the position of the last event."""
        return self.first + len(self.values) // WIDTH - 1


class Facts(NamedTuple):
    """A record's head and the rest of its facts: ``rows`` without their words, or what a ``claim`` says."""

    kind: Kind
    owner: bytes
    prev: bytes
    rows: Rows | None
    claim: Mapping[str, Any] | None


def facts_of_claim(owner: bytes, prev: bytes, claim: Mapping[str, Any]) -> bytes:
    """Return the facts of a claim; ``claim`` holds what JSON can."""
    return _facts(Kind.CLAIM, owner, prev, claim, b"")


def facts_of_rows(kind: Kind, owner: bytes, prev: bytes, rows: Rows) -> bytes:
    """Return the facts of rows."""
    values = rows.values
    digests = values[_AT["body_digest"] :: WIDTH]
    hashes = [*values[_AT["hash"] :: WIDTH], *(digest for digest in digests if digest is not None)]
    if any(len(each) != _HASH_BYTES for each in hashes):
        raise LogDamaged("A hash of an event has another length than 32 bytes: see `echoless log verify`.")
    body = {
        "position": rows.first,
        "finished": list(rows.finished),
        "digest": [int(digest is not None) for digest in digests],
        **{name: values[_AT[name] :: WIDTH] for name in _FACTS},
    }
    return _facts(kind, owner, prev, body, b"".join(hashes))


def words_of_rows(rows: Rows) -> bytes | None:
    """Return the words of rows, None if there are none."""
    columns = (rows.values[_AT[name] :: WIDTH] for name in ("subject_id", "salt", "sealed"))
    return pack_words({index: each for index, each in enumerate(zip(*columns, strict=True)) if each[2] is not None})


def pack_words(words: Mapping[int, tuple[int | None, bytes, bytes]]) -> bytes | None:
    """Return words as bytes: whose they are, salt and seal, by the index of their event in the record."""
    if not words:
        return None
    packed = [_WORDS_MAGIC]
    for index, (subject_id, salt, sealed) in words.items():
        packed += (_WORDS.pack(index, subject_id is not None, subject_id or 0, len(salt), len(sealed)), salt, sealed)
    return b"".join(packed)


def unpack_words(seq: int, words: bytes | None) -> dict[int, tuple[int | None, bytes, bytes]]:
    """Return what :func:`pack_words` packed, for the record ``seq``."""
    if words is None:
        return {}
    if not words.startswith(_WORDS_MAGIC):
        raise _damaged(seq)
    found: dict[int, tuple[int | None, bytes, bytes]] = {}
    at = len(_WORDS_MAGIC)
    while at < len(words):
        try:
            index, known, subject_id, salt_bytes, sealed_bytes = _WORDS.unpack_from(words, at)
        except struct.error as error:
            raise _damaged(seq) from error
        salt_at = at + _WORDS.size
        at = salt_at + salt_bytes + sealed_bytes
        sealed_at = salt_at + salt_bytes
        found[index] = (subject_id if known else None, words[salt_at:sealed_at], words[sealed_at:at])
    if at != len(words):
        raise _damaged(seq)
    return found


def read_record(entry: Entry) -> Facts:
    """Return a record, its rows with the words that are left of them.

    Raises LogForeign for the format of a newer release, LogDamaged where it can't be read.
    """
    try:
        magic, kind, codec, owner, prev = _HEAD.unpack_from(entry.facts)
    except struct.error as error:
        raise _damaged(entry.seq) from error
    if magic != _MAGIC or codec != _ZLIB or kind not in _KINDS:
        raise LogForeign(
            f"Record {entry.seq} of the log in the engine has a form that this release does not know: a newer release "
            "wrote it. Use that release, or a newer one. Nothing was changed."
        )
    try:
        body, tail = _body(entry.facts)
        if Kind(kind) is Kind.CLAIM:
            return Facts(Kind.CLAIM, owner, prev, None, body)
        return Facts(Kind(kind), owner, prev, _rows(entry, body, tail), None)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, zlib.error, struct.error) as error:
        raise _damaged(entry.seq) from error


def split(rows: Rows, limit: int) -> Iterable[Rows]:
    """Yield rows in pieces, each of which makes a record of at most ``limit`` bytes or so; raise LogUnwritable.

    Sizes are counted before they are compressed.
    """
    start, size = 0, 0
    data, sealed = _AT["data"], _AT["sealed"]
    for at in range(0, len(rows.values), WIDTH):
        # Hashes, numbers, names and what stands between them in JSON take less than 600 bytes.
        own = 600 + 2 * len(rows.values[at + data]) + len(rows.values[at + sealed] or b"")
        if own > limit:
            raise LogUnwritable(f"An event of {own} bytes is more than the engine keeps in a record ({limit}).")
        if size + own > limit:
            yield Rows(rows.values[start:at], rows.finished if not start else ())
            start, size = at, 0
        size += own
    yield Rows(rows.values[start:], rows.finished if not start else ())


def _facts(kind: Kind, owner: bytes, prev: bytes, body: Mapping[str, Any], tail: bytes) -> bytes:
    packed = zlib.compress(to_json(body), _LEVEL)
    return _HEAD.pack(_MAGIC, kind.value, _ZLIB, owner, prev) + _LENGTH.pack(len(packed)) + packed + tail


def _body(facts: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = _LENGTH.unpack_from(facts, _HEAD.size)
    start = _HEAD.size + _LENGTH.size
    return from_json(zlib.decompress(facts[start : start + length])), facts[start + length :]


def _rows(entry: Entry, body: Mapping[str, Any], tail: bytes) -> Rows:
    count, first = len(body["version"]), body["position"]
    if len(tail) != _HASH_BYTES * (count + sum(body["digest"])) or not count:
        raise ValueError
    values: list[Any] = [None] * (count * WIDTH)
    values[_AT["position"] :: WIDTH] = range(first, first + count)
    for name in _FACTS:
        values[_AT[name] :: WIDTH] = body[name]
    hashes = [tail[at : at + _HASH_BYTES] for at in range(0, len(tail), _HASH_BYTES)]
    values[_AT["hash"] :: WIDTH] = hashes[:count]
    digests = iter(hashes[count:])
    values[_AT["body_digest"] :: WIDTH] = [next(digests) if there else None for there in body["digest"]]
    for index, words in unpack_words(entry.seq, entry.words).items():
        at = index * WIDTH + _AT["subject_id"]
        values[at : at + len(words)] = words
    if len(values) != count * WIDTH:
        raise ValueError
    return Rows(values, body["finished"])


def _damaged(seq: int) -> LogDamaged:
    return LogDamaged(
        f"Record {seq} of the log in the engine can't be read: something else changed it. Nothing was changed. Restore "
        "the engine's own backup."
    )
