"""The hash chain: each event's hash covers the one before it in its stream, its own fields, and its body's digest.

Each field is preceded by its length, so two different events never give the same bytes. The event keeps a salted digest
of its body, and the hash covers that digest. Erasing the body removes the words and the salt; the chain still verifies.
"""

from __future__ import annotations

import struct
from hashlib import sha256

GENESIS = bytes(32)
_NUMBERS = struct.Struct(">12q")
_NONE = -(2**63)


def link(  # noqa: PLR0913, PLR0917 - the chain covers every field of an event
    previous: bytes,
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
    """Return the hash of an event whose stream's newest hash is ``previous``."""
    kind, about, part = key or (None, None, None)
    name, type_bytes = stream.encode(), type_name.encode()
    numbers = _NUMBERS.pack(
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
    return sha256(b"".join((previous, numbers, name, type_bytes, data, body_digest or b""))).digest()


def body_digest(salt: bytes, body: bytes) -> bytes:
    """Return the salted digest that an event keeps of its body."""
    return sha256(salt + body).digest()
