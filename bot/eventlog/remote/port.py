"""What the log needs of an engine that keeps it: a list of records, to which one process at a time appends.

An engine knows nothing of events. It keeps bytes at numbers, and says for certain whether it does. Exceptions of its
driver never leave it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from hashlib import sha256
from typing import NamedTuple, Protocol, runtime_checkable

NOTHING = bytes(32)
"""The digest of the record before the first one."""


class Fenced(Exception):
    """Another record stands at this number already: somebody else appended it."""


class Torn(Exception):
    """The record before this number is not there, or is another one."""


class Unsure(Exception):
    """The engine did not answer, or refused for now; the message says why, without names, addresses or contents."""


class Entry(NamedTuple):
    """A record as the engine holds it: its number, the engine's own bookmark, its facts and its words."""

    seq: int
    place: str
    facts: bytes
    words: bytes | None


@runtime_checkable
class Partition(Protocol):
    """One ordered log in an engine. Every method raises Unsure where the engine can't be asked."""

    name: str
    """What the engine is called in sentences for people."""
    limit: int
    """The largest number of bytes of facts and words in one record."""

    async def open(self) -> None:
        """Connect, and make what is missing; raise LogError, which says what to do, where that can't be done."""

    async def faults(self) -> list[str]:
        """Return a sentence for each setting by which it may lose what it has acknowledged, and say what to do.

        Raises LogUnwritable where the log can't be kept in it as it is, or not by this user. Nothing is made or
        changed, and what :meth:`open` would make may be missing.
        """

    async def append(self, seq: int, facts: bytes, words: bytes | None) -> str:
        """Keep a record at the number ``seq``, counted from 1. It is durable on return, which is its bookmark.

        The same facts at the same number succeed again. Raises Fenced where another record stands there, Torn where
        ``seq - 1`` is missing, Unsure where it is unknown whether the record is kept: append the *same bytes* again.
        """

    def read(self, seq: int, digest: bytes, place: str) -> AsyncGenerator[Entry, None]:
        """Yield all records after ``seq`` that were kept before the call, in their order.

        ``digest`` is that of the facts at ``seq``, ``place`` the bookmark that came with them or with ones before (0,
        NOTHING and "" for the beginning). Raises Torn where another record stands there, or none.
        """

    async def rewrite(self, seq: int, place: str, before: bytes, after: bytes | None) -> bool:
        """Put other words in the place of ``before``; tell whether ``before`` stood there still."""

    async def words(self, seq: int, place: str) -> bytes | None:
        """Return the words of the record with that number and that bookmark."""

    async def beat(self, beat: bytes) -> None:
        """Keep the owner's sign of life, which replaces the one before."""

    async def beats(self) -> bytes:
        """Return the newest sign of life, empty if there is none."""

    async def close(self) -> None:
        """Disconnect. A second call does nothing."""


def digest_of(facts: bytes) -> bytes:
    """Return the digest of a record's facts, by which the next record names it."""
    return sha256(facts).digest()
