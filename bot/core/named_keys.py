"""Keys that callers choose: texts of any length, of which the log keeps a digest.

The digest has 128 bits and the log's dedupe keys two numbers of 64, so nothing is cut, and two texts never share one.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, TypeAlias

from pydantic import Field

Digest: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""Thirty-two hexadecimal digits. An event with anything else there can't be read."""

_BYTES = 16


def digest_of(key: str) -> Digest:
    """Return the digest of a caller's key; raise ValueError for an empty one."""
    if not key:
        raise ValueError("a key must not be empty: name what is done once, such as 'welcome:1'")
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=_BYTES).hexdigest()


def numbers_of(digest: Digest) -> tuple[int, int]:
    """Return a digest as two numbers of 64 bits, with a sign, as SQLite has them."""
    read = bytes.fromhex(digest)
    half = _BYTES // 2
    return int.from_bytes(read[:half], signed=True), int.from_bytes(read[half:], signed=True)
