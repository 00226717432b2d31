"""The log in Kafka: a topic of records, one of their words, and one of the owner's signs of life.

Anybody can add to the end of a topic. So a record counts only if it names the record that counted before: the order of
the topic decides between two who append at once, and drops what was sent twice. Words come first, under the digest of
their record, in a topic of their own that is compacted: what replaces them makes Kafka forget them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from bot.engines.kafka.admin import KEPT, NEWEST_KEPT, make, require_kept, settings, weak_by
from bot.engines.kafka.chain import AGAIN, PREV, WORDS, Chain, Mark
from bot.engines.kafka.sending import Options
from bot.engines.kafka.topics import Topic
from bot.engines.kafka.words import Passing, held
from bot.errors import LogUnwritable
from bot.eventlog.remote.port import Entry, Fenced, Torn, Unsure, digest_of


class KafkaPartition:
    """A partition in the topic ``topic`` and in two whose names begin like it."""

    name = "Kafka"
    limit = 1_000_000

    def __init__(self, options: Options, topic: str, part: int = 0) -> None:
        self._options = options
        self._wanted = {topic: KEPT, f"{topic}-words": NEWEST_KEPT, f"{topic}-owner": NEWEST_KEPT}
        self._facts, self._words, self._owner = (Topic(options, name, part) for name in self._wanted)
        self._chain = Chain(self._facts, self._words)
        self._turn = asyncio.Lock()
        self._sent: tuple[bytes, int] = (b"", -1)
        self._orphans: set[bytes] = set()
        self._rewritten: dict[bytes, int] = {}

    async def open(self) -> None:
        """Connect, and make the topics; raise LogUnwritable where that can't be done, or where they lose records."""
        try:
            await make(self._options, self._wanted)
            found = await settings(self._options, self._wanted)
        except Unsure as error:
            raise LogUnwritable(
                f"The log's Kafka can't be used ({error}): check that it runs, its address, and how to log in."
            ) from error
        require_kept(self._wanted, found)

    async def faults(self) -> list[str]:
        """Return what is not as it should be; whether the user may write, only writing tells."""
        found = await settings(self._options, self._wanted)
        require_kept({name: self._wanted[name] for name in found}, found)
        return weak_by(found)

    async def append(self, seq: int, facts: bytes, words: bytes | None) -> str:
        """Keep a record, and see whether it counts."""
        digest = digest_of(facts)
        async with self._turn:
            mark = self._chain.mark
            if mark is None or seq != mark.seq + 1:
                mark = await self._chain.walk()
            if seq > mark.seq + 1:
                raise Torn
            if seq == mark.seq + 1:
                await self._add(mark, digest, facts, words)
            kept = await self._chain.find(seq)
            if kept.digest != digest:
                raise Fenced
            while self._orphans:
                await self._words.add(next(iter(self._orphans)), None, **{AGAIN: b""})
                self._orphans.pop()
            return kept.place

    async def read(self, seq: int, digest: bytes, place: str) -> AsyncGenerator[Entry, None]:
        """Yield all records after a mark that count."""
        mark = (await self._chain.at(place))[0] if place else await self._chain.beginning()
        mark.require(seq, digest)
        passing: Passing | None = None
        async for found, after in self._chain.after(mark):
            if passing is None:
                passing = await Passing.looking_ahead(self._words, mark.words)
                for key, offset in passing.again.items():
                    self._rewritten[key] = max(offset, self._rewritten.get(key, offset))
            mark = after
            mark.require(seq, digest)
            words = await passing.of(mark) if WORDS in found.headers else None
            self._chain.note(mark)
            if mark.seq > seq:
                yield Entry(mark.seq, mark.place, found.value or b"", words)
        if mark.seq < seq:
            raise Torn
        self._orphans |= passing.orphans(self._chain.recent.values()) if passing else set()

    async def words(self, seq: int, place: str) -> bytes | None:  # noqa: ARG002 - the bookmark says more
        """Return the words of a record."""
        with suppress(Torn):
            mark, found = await self._chain.at(place)
            if WORDS in found.headers:
                return await held(self._words, self._rewritten.get(mark.digest, mark.words - 1), mark.digest)
        return None

    async def rewrite(self, seq: int, place: str, before: bytes, after: bytes | None) -> bool:
        """Put other words in the place of ``before``; raise Unsure where somebody else may own the log.

        Kafka itself compares nothing.
        """
        async with self._turn:
            if await self.words(seq, place) != before:
                return False
            mark, _ = await self._chain.at(place)
            async for _ in self._chain.after(self._chain.mark or mark):
                raise Unsure("records of another process are there")
            self._rewritten[mark.digest] = await self._words.add(mark.digest, after, **{AGAIN: b""})
        return True

    async def beat(self, beat: bytes) -> None:
        """Keep the owner's sign of life."""
        await self._owner.add(b"beat", beat)

    async def beats(self) -> bytes:
        """Return the newest sign of life. What is last Kafka does not forget."""
        first, end = await self._owner.ends()
        found, _ = await self._owner.page(max(first, end - 1), end)
        return found[-1].value or b"" if found else b""

    async def close(self) -> None:
        """Disconnect."""
        for topic in (self._facts, self._words, self._owner):
            await topic.close()

    async def _add(self, mark: Mark, digest: bytes, facts: bytes, words: bytes | None) -> None:
        """Add a record after ``mark``, and note what counts now."""
        headers, after = {PREV: mark.digest}, mark.words
        if words is not None:
            if self._sent[0] != digest:
                self._sent = (digest, await self._words.add(digest, words))
            after = self._sent[1] + 1
            headers[WORDS] = b"%d" % self._sent[1]
        added = Mark(mark.seq + 1, digest, await self._facts.add(digest, facts, **headers), after)
        if added.offset <= mark.offset or after < mark.words:
            raise Torn  # the topics were made anew, or have lost their newest records
        if added.offset == mark.offset + 1:
            self._chain.note(added)
        else:
            await self._chain.walk()
        if after > mark.words + 1 and (await self._chain.find(added.seq)).digest == digest:
            # It counts, so nobody has claimed the log before it: the words between are of nobody who owns it.
            passing = Passing(self._words, mark.words, after)
            await passing.of(added)
            self._orphans |= passing.orphans(self._chain.recent.values())
