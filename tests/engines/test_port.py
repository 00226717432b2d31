"""What every engine has to keep to: bytes at numbers, once, in order, and certain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.errors import LogUnwritable
from bot.eventlog.remote.port import NOTHING, Fenced, Partition, Torn, Unsure, digest_of
from tests.engines.conftest import Made
from tests.engines.emulators import NOBODY, SERVERS, partition_of


@pytest.fixture(params=list(SERVERS))
def engine_name(request: pytest.FixtureRequest) -> str:
    """Name each engine in turn."""
    return str(request.param)


@pytest.fixture
async def partition(made: Made) -> AsyncIterator[Partition]:
    """Return an empty partition."""
    made_partition = made()
    await made_partition.open()
    yield made_partition
    await made_partition.close()


def facts(number: int) -> bytes:
    """Return the facts of a record."""
    return b"facts %d" % number


async def filled(partition: Partition, records: int) -> None:
    """Append so many records, every other one with words."""
    for seq in range(1, records + 1):
        await partition.append(seq, facts(seq), b"words %d" % seq if seq % 2 else None)


async def read(partition: Partition, seq: int = 0, digest: bytes = NOTHING) -> list[tuple[int, bytes, bytes | None]]:
    """Return what comes after a mark."""
    return [(entry.seq, entry.facts, entry.words) async for entry in partition.read(seq, digest, "")]


async def place_of(partition: Partition, seq: int) -> str:
    """Return the bookmark of a record."""
    return {entry.seq: entry.place async for entry in partition.read(0, NOTHING, "")}[seq]


async def test_records_come_back_in_their_order(partition: Partition) -> None:
    """All of them, however many a page holds, from the beginning and from a mark."""
    assert await read(partition) == []
    await filled(partition, 120)

    everything = [(seq, facts(seq), b"words %d" % seq if seq % 2 else None) for seq in range(1, 121)]
    assert everything == await read(partition)
    for mark in (1, 50, 51, 119, 120):
        assert everything[mark:] == await read(partition, mark, digest_of(facts(mark)))


async def test_a_number_is_given_once(partition: Partition) -> None:
    """The same bytes succeed again, others do not, and there are no gaps."""
    await filled(partition, 3)
    await partition.append(3, facts(3), b"words 3")
    await partition.append(1, facts(1), b"words 1")

    with pytest.raises(Fenced):
        await partition.append(3, b"others", None)
    with pytest.raises(Fenced):
        await partition.append(1, b"others", None)
    with pytest.raises(Torn):
        await partition.append(5, facts(5), None)
    assert [1, 2, 3] == [seq for seq, *_ in await read(partition)]


async def test_one_of_many_who_append_at_once_wins(made: Made, partition: Partition) -> None:
    """As owners do who do not know of each other."""
    others = [made() for _ in range(4)]
    outcomes = await asyncio.gather(
        *(other.append(1, b"of %d" % number, None) for number, other in enumerate(others)), return_exceptions=True
    )

    (winner,) = [number for number, outcome in enumerate(outcomes) if not isinstance(outcome, Fenced)]
    assert isinstance(outcomes[winner], str)
    assert [(1, b"of %d" % winner, None)] == await read(partition)
    for other in others:
        await other.close()


@pytest.mark.parametrize(("seq", "digest"), [(2, digest_of(b"others")), (4, digest_of(facts(4)))])
async def test_a_mark_that_is_not_there_is_told(partition: Partition, seq: int, digest: bytes) -> None:
    """Another record stands there, or none: whoever asks has another log."""
    await filled(partition, 3)

    with pytest.raises(Torn):
        await read(partition, seq, digest)


async def test_words_can_be_rewritten_by_who_knows_them(partition: Partition) -> None:
    """Who has seen others changes nothing: it might bring back what was erased since."""
    await filled(partition, 2)

    place = await place_of(partition, 1)
    assert await partition.words(1, place) == b"words 1"
    assert await partition.rewrite(1, place, b"words 1", b"fewer")
    assert not await partition.rewrite(1, place, b"words 1", b"words 1 again")
    assert await partition.words(1, place) == b"fewer"
    assert await partition.rewrite(1, place, b"fewer", None)
    assert await partition.words(1, place) is None
    assert await partition.words(2, await place_of(partition, 2)) is None
    assert [(1, facts(1), None), (2, facts(2), None)] == await read(partition)


async def test_a_record_may_be_large(partition: Partition) -> None:
    """As large as the engine says."""
    large = bytes(range(256)) * (partition.limit // 512)
    await partition.append(1, large, large)
    await partition.append(2, facts(2), None)

    assert [(1, large, large), (2, facts(2), None)] == await read(partition)


async def test_the_newest_sign_of_life_counts(partition: Partition) -> None:
    """Whoever gave it."""
    assert await partition.beats() == b""
    await partition.beat(b"one")
    await partition.beat(b"another")
    assert await partition.beats() == b"another"


async def test_a_caller_that_goes_away_harms_nobody(partition: Partition) -> None:
    """The next one is answered, and finds what became of the first."""
    leaving = asyncio.create_task(partition.append(1, facts(1), None))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait((leaving,))

    await partition.append(1, facts(1), None)
    assert [(1, facts(1), None)] == await read(partition)


async def test_a_reader_that_goes_away_harms_nobody(partition: Partition) -> None:
    """Wherever it is by then, the next one misses nothing."""
    await filled(partition, 60)
    whole = await read(partition)
    for steps in range(0, 60, 4):
        leaving = asyncio.create_task(read(partition))
        for _ in range(steps):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait((leaving,))
        assert whole == await read(partition)


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("postgresql://bot:hidden@127.0.0.1:1/log", "ConnectionRefusedError"),
        ("dynamodb+http://127.0.0.1:1/hidden", "EndpointConnectionError"),
        ("kafka://127.0.0.1:1/hidden", "KafkaConnectionError"),
    ],
)
async def test_an_engine_that_is_not_there_is_told(address: str, error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start with a sentence, later as unsure; nothing of the address is said."""
    for name, value in NOBODY.items():
        monkeypatch.setenv(name, value)
    away = partition_of(address)

    with pytest.raises(LogUnwritable, match=f"can't be used .{error}.: check ") as told:
        await away.open()
    assert "hidden" not in str(told.value)
    for asking in (away.append(1, facts(1), None), away.beats(), away.beat(b"one"), away.faults()):
        with pytest.raises(Unsure, match=error):
            await asking
    await away.close()
    await away.close()
