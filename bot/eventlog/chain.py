"""The hash chain: what binds each event to the ones before it, and to its words.

An event's hash covers the hash of the event before it in its stream, that of the event before it in the whole log, its
own fields, and the digest of its words. So the newest hash of the log stands for everything in it: whoever removes a
stream, cuts the tail or puts one event in another's place changes that hash, or a hash on the way to it.

Hashes and digests are HMAC-SHA-256 under keys of the log, so nobody without its master key can link events anew or
guess words from their digests. Each field is preceded by its length, so two different events never give the same bytes.
Erasing words removes their salt too; the event keeps the digest, and the chain still verifies.

The events that the first releases wrote (version 1 of the chain) have plain SHA-256 hashes within their stream. They
stay as they are. What binds them is ``root``, which the first keyed event covers: the hash of all their hashes.
"""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

GENESIS = bytes(32)
_pack_numbers = struct.Struct(">12q").pack
_NONE = -(2**63)
_pack_subject = struct.Struct(">q").pack


class ChainStart(NamedTuple):
    """Where the keyed chain begins: the key that links it, its first position, and the hash of what is before it."""

    key_number: int
    first: int
    root: bytes


class Chain:
    """Links events and digests words under the keys of one log."""

    __slots__ = ("_links", "_words", "start")

    def __init__(self, start: ChainStart, link_key: bytes, words_key: bytes) -> None:
        self.start = start
        # A copy takes half as long as a new one, which would hash the key anew.
        self._links = HMAC(link_key, SHA256()).copy
        self._words = HMAC(words_key, SHA256()).copy

    def link(self, previous: bytes, before: bytes, fields: bytes) -> bytes:
        """Return an event's hash: ``previous`` is the hash before it in its stream, ``before`` that in the log."""
        mac = self._links()
        mac.update(previous + before + fields)
        return mac.finalize()

    def digest(self, salt: bytes, subject_id: int | None, body: bytes) -> bytes:
        """Return the digest that an event keeps of its words and of whose they are."""
        mac = self._words()
        mac.update(salt + _pack_subject(_NONE if subject_id is None else subject_id) + body)
        return mac.finalize()


class Root:
    """Sums up the events that are before the keyed chain of the log ``log_id``: the hash of all their hashes."""

    __slots__ = ("_hash",)

    def __init__(self, log_id: bytes) -> None:
        self._hash = sha256(log_id)

    def add(self, link: bytes) -> None:
        """Add the hash of the next event, in the order of the log."""
        self._hash.update(link)

    def digest(self) -> bytes:
        """Return the root."""
        return self._hash.digest()


def expected_link(chain: Chain | None, position: int, previous: bytes, before: bytes, fields: bytes) -> bytes:
    """Return the hash that the event at ``position`` has to have, in either version of the chain (None: version 1)."""
    if chain is None or position < chain.start.first:
        return link_plain(previous, fields)
    return chain.link(previous, chain.start.root if position == chain.start.first else before, fields)


def link_plain(previous: bytes, fields: bytes) -> bytes:
    """Return the hash of an event of the chain's version 1."""
    return sha256(previous + fields).digest()


def digest_plain(salt: bytes, body: bytes) -> bytes:
    """Return the digest of an event's words in the chain's version 1."""
    return sha256(salt + body).digest()


def packed(  # noqa: PLR0913, PLR0917 - the chain covers every field of an event
    stream: str,
    position: int,
    version: int,
    type_name: str,
    v: int,
    recorded_at: int,
    key: tuple[int | None, int | None, int | None] | None,
    correlation: int | None,
    causation: int | None,
    data: bytes,
    body_digest: bytes | None,
) -> bytes:
    """Return the fields of an event as the bytes that its hash covers."""
    kind, about, part = key or (None, None, None)
    name, type_bytes = stream.encode(), type_name.encode()
    numbers = _pack_numbers(
        position,
        version,
        v,
        recorded_at,
        _NONE if kind is None else kind,
        _NONE if about is None else about,
        _NONE if part is None else part,
        _NONE if correlation is None else correlation,
        _NONE if causation is None else causation,
        len(name),
        len(type_bytes),
        len(data),
    )
    return numbers + name + type_bytes + data + (body_digest or b"")
