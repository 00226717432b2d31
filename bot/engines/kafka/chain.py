"""Which records of a topic count: those that name the one that counted before. See bot/engines/kafka/partition.py."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import NamedTuple

from bot.engines.kafka.topics import Found, Topic
from bot.eventlog.remote.port import NOTHING, Torn, digest_of

RECENT = 1000
"""How many of the newest records are known by their numbers."""
PREV, WORDS, AGAIN = "prev", "words", "again"
"""Headers: of a record, the digest of the one before and the offset of its words; of words that replace others."""


class Mark(NamedTuple):
    """A record that counts: its number, its digest, its offset, and the offset after the newest words until there."""

    seq: int
    digest: bytes
    offset: int
    words: int

    @property
    def place(self) -> str:
        """Return it as a bookmark."""
        return f"{self.seq}:{self.offset}:{self.words}"

    def require(self, seq: int, digest: bytes) -> None:
        """Raise Torn where this is the record of a number, and another one."""
        if self.seq == seq and self.digest != digest:
            raise Torn

    def next(self, found: Found) -> Mark | None:
        """Return the mark of what stands further on; None if it does not count."""
        if found.headers.get(PREV) != self.digest or found.value is None:
            return None
        words = found.headers.get(WORDS)
        return Mark(self.seq + 1, digest_of(found.value), found.offset, int(words) + 1 if words else self.words)


class Chain:
    """The records that count, as far as they are known; ``mark`` is the newest of them, ``recent`` those by number."""

    def __init__(self, facts: Topic, words: Topic) -> None:
        self._facts = facts
        self._words = words
        self.mark: Mark | None = None
        self.recent: dict[int, Mark] = {}

    async def after(self, mark: Mark) -> AsyncGenerator[tuple[Found, Mark], None]:
        """Yield the records that count from a mark on, of those that were there at the call."""
        at, end = mark.offset + 1, (await self._facts.ends())[1]
        while at < end:
            page, at = await self._facts.page(at, end)
            for found in page:
                if (after := mark.next(found)) is not None:
                    mark = after
                    yield found, mark

    async def walk(self) -> Mark:
        """Go on to the newest record, and return its mark."""
        mark = self.mark or await self.beginning()
        async for _, after in self.after(mark):
            mark = after
            self.note(mark)
        self.mark = mark
        return mark

    async def find(self, seq: int) -> Mark:
        """Return the mark of a record, of whatever age."""
        if seq in self.recent:
            return self.recent[seq]
        async for _, mark in self.after(await self.beginning()):
            if mark.seq == seq:
                return mark
        raise Torn

    async def beginning(self) -> Mark:
        """Return the mark before the first record."""
        return Mark(0, NOTHING, (await self._facts.ends())[0] - 1, (await self._words.ends())[0])

    async def at(self, place: str) -> tuple[Mark, Found]:
        """Return the record at a bookmark; raise Torn where there is none."""
        seq, offset, words = map(int, place.split(":"))
        first, end = await self._facts.ends()
        found = (await self._facts.page(offset, offset + 1))[0] if first <= offset < end else []
        if not found or found[0].value is None:
            raise Torn
        return Mark(seq, digest_of(found[0].value), offset, words), found[0]

    def note(self, mark: Mark) -> None:
        """Note that a record counts."""
        if self.mark is None or mark.seq > self.mark.seq:
            self.mark = mark
            self.recent[mark.seq] = mark
            self.recent.pop(mark.seq - RECENT, None)
