"""Words beside the records of a chain: in a topic of their own, which Kafka compacts."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Collection

from bot.engines.kafka.chain import AGAIN, Mark
from bot.engines.kafka.topics import Found, Topic


async def each(topic: Topic, start: int, end: int) -> AsyncGenerator[Found, None]:
    """Yield all that stands between two offsets."""
    while start < end:
        page, start = await topic.page(start, end)
        for found in page:
            yield found


async def newest(words: Topic, start: int, key: bytes) -> bytes | None:
    """Return the newest words under a key, from an offset on."""
    found: bytes | None = None
    first, end = await words.ends()
    async for one in each(words, max(start, first), end):
        found = one.value if one.key == key else found
    return found


async def held(words: Topic, offset: int, key: bytes) -> bytes | None:
    """Return the words at an offset; where Kafka has forgotten them, those that took their place."""
    first, _ = await words.ends()
    found = (await words.page(offset, offset + 1))[0] if offset >= first else []
    return found[0].value if found else await newest(words, offset, key)


class Passing:
    """Reads the topic of words once along a chain, up to ``end``.

    ``again`` has the offsets of words that replace others, by the digest of their record.
    """

    def __init__(self, words: Topic, start: int, end: int) -> None:
        self._words = words
        self._at = start
        self._end = end
        self._held: deque[Found] = deque()
        self._rewritten: dict[bytes, bytes | None] = {}
        self.again: dict[bytes, int] = {}
        self._passed: set[bytes] = set()

    @classmethod
    async def looking_ahead(cls, words: Topic, start: int) -> Passing:
        """Return one that goes to the end, and knows the words that replace others: they stand far behind those."""
        first, end = await words.ends()
        passing = cls(words, max(start, first), end)
        async for found in each(words, passing._at, end):
            if AGAIN in found.headers:
                passing._rewritten[found.key], passing.again[found.key] = found.value, found.offset
        return passing

    async def of(self, mark: Mark) -> bytes | None:
        """Return the words of a record that counts and has some."""
        offset, there, value = mark.words - 1, False, None
        while True:
            while self._held and self._held[0].offset <= offset:
                found = self._held.popleft()
                if found.offset == offset:
                    there, value = True, found.value
                elif AGAIN not in found.headers and found.key != mark.digest:
                    self._passed.add(found.key)
            if self._at > offset or self._at >= self._end:
                break
            page, self._at = await self._words.page(self._at, self._end)
            self._held.extend(page)
        if mark.digest in self._rewritten:
            return self._rewritten[mark.digest]
        return value if there else await newest(self._words, offset, mark.digest)

    def orphans(self, recent: Collection[Mark]) -> set[bytes]:
        """Return the keys of words whose record never came: who sent them died, or lost the log before it did."""
        return self._passed - self._rewritten.keys() - {mark.digest for mark in recent} if self._passed else set()
