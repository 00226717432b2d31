"""An owner that was replaced while a record of it was under way: nothing of it counts that came after the claim."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.errors import LogFenced
from bot.eventlog.log import EventLog
from bot.eventlog.remote.port import NOTHING, Partition, Unsure
from bot.eventlog.remote.record import Kind, read_record
from tests.engines.conftest import SHORT, Made, Opener
from tests.engines.views import Between, Seen, check, remote, said

CHANNEL = "channel:1"


class Held(Between):
    """An engine to which the records after ``passing`` come late, when ``go_on`` is set.

    ``answers``: such a record comes in time, and what is late is the answer; then it is lost as well.
    """

    answers = False

    def __init__(self, real: Partition) -> None:
        super().__init__(real)
        self.limit = 6000
        self.passing = 1_000
        self.held = asyncio.Event()
        self.go_on = asyncio.Event()

    async def append(self, seq: int, facts: bytes, words: bytes | None) -> str:
        """Append, now or late."""
        if self.passing:
            self.passing -= 1
            return await super().append(seq, facts, words)
        if self.answers and not self.held.is_set():
            await super().append(seq, facts, words)
        self.held.set()
        await self.go_on.wait()
        if self.answers and self.appended < 4:
            self.appended = 4
            raise Unsure("the answer was lost")
        return await super().append(seq, facts, words)


class Unanswered(Held):
    """An engine whose answer is late and then lost."""

    answers = True


@asynccontextmanager
async def letting_go(engine: Held) -> AsyncIterator[None]:
    """Hold nothing back any more at the end: an owner could not be closed."""
    try:
        yield
    finally:
        engine.go_on.set()


async def late(made: Made, claimed: int) -> int:
    """Return how many records of rows after a claim are of another owner."""
    partition = made()
    records = [(entry.seq, read_record(entry)) async for entry in partition.read(0, NOTHING, "")]
    await partition.close()
    (owner,) = [record.owner for seq, record in records if seq == claimed]
    return sum(seq > claimed and record.kind is not Kind.CLAIM and record.owner != owner for seq, record in records)


async def replaced(one: EventLog, other: EventLog) -> None:
    """Hold an owner to being replaced, and its successor to a whole log."""
    with pytest.raises(LogFenced, match="Another process has taken over"):
        await one.append("channel:2", [said(3)])
    await check(other)


@pytest.mark.parametrize(("passing", "length"), [(0, 5), (0, 4000), (1, 4000)], ids=["whole", "parts", "last part"])
async def test_a_record_that_comes_after_the_claim_does_not_count(
    opened: Opener, made: Made, passing: int, length: int
) -> None:
    """Nor do the parts of a commit that came before it, when the last one did not."""
    engine = Seen(Held)
    drafts = [said(1, "x" * length), said(2, "x" * length)]
    async with opened("one", through=engine) as one:
        engine.one.passing = passing
        appending = asyncio.create_task(one.append(CHANNEL, drafts))
        await engine.one.held.wait()
        async with letting_go(engine.one), opened("other", force=True, takeover=SHORT) as other:
            claimed = remote(other).follower.mark.seq
            assert claimed == 2 + passing
            engine.one.go_on.set()
            with pytest.raises(LogFenced):
                await appending
            assert await other.reader.head(CHANNEL) == 0
            assert len((await other.append(CHANNEL, drafts)).new) == len(drafts)
            await replaced(one, other)
            assert await late(made, claimed) == 0
    async with opened("third") as third:
        assert await third.reader.head(CHANNEL) == len(drafts)


async def test_a_record_that_came_before_the_claim_counts_for_both(opened: Opener, made: Made) -> None:
    """Its answer was lost, so its owner asks again after the claim, and is told that it was kept."""
    engine = Seen(Unanswered)
    async with opened("one", through=engine) as one:
        engine.one.passing = 0
        appending = asyncio.create_task(one.append(CHANNEL, [said(1)]))
        await engine.one.held.wait()
        async with letting_go(engine.one), opened("other", force=True, takeover=SHORT) as other:
            engine.one.go_on.set()
            assert (await appending).new[0].position == 1
            assert (await other.append(CHANNEL, [said(1)])).known[0].position == 1
            await replaced(one, other)
            assert await late(made, remote(other).follower.mark.seq) == 0
