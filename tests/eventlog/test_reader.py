"""Reading the log: whole, in part, as of then, beside its owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from bot.core import events as e
from bot.core.conversation import Conversation
from bot.errors import LogUnwritable
from bot.eventlog import folding
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log, open_reader
from bot.eventlog.query import Query
from bot.eventlog.reader import Loaded, Reader, StreamInfo
from bot.eventlog.stats import Stats
from tests.erasing import ERASE

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

SECOND = 1_000_000
BEGAN = 1_700_000_000 * SECOND


def said(message_id: int) -> e.Draft:
    """Somebody posts a message."""
    body = e.Body(parts=("hello",))
    return e.Draft(e.MessageReceived(message_id=message_id, author_id=7, sent_at=1), body, subject_id=7)


def asked(message_id: int) -> e.Draft:
    """Request a reply to it."""
    return e.Draft(e.ReplyRequested(message_id=message_id, author_id=7, responder="rules", call=e.Call.DM))


def sent(message_id: int, part: int) -> e.Draft:
    """Get a part of a reply into Discord."""
    proof = e.Proof.RESPONSE
    return e.Draft(e.ReplySent(message_id=message_id, part=part, sent_id=1000 + part, proof=proof))


APPENDS = [
    ("channel:1", [said(10), asked(10)]),
    ("channel:2", [said(20)]),
    ("channel:1", [sent(10, 1)]),
    ("channel:1", [sent(10, 0)]),
    ("guild:1", [said(10)]),
    ("channel:1", [said(11), asked(11)]),
]


@pytest.fixture
async def filled(location: Location) -> AsyncIterator[EventLog]:
    """Return a log of three streams: positions 1 to 8, recorded two or one at a time, a second apart."""
    readings = [BEGAN]
    log = await open_log(location, clock=lambda: readings[-1], full=False)
    try:
        for stream, drafts in APPENDS:
            await log.append(stream, drafts)
            readings.append(readings[-1] + SECOND)
        yield log
    finally:
        await log.close()


async def positions(source: Reader, query: Query, limit: int | None = None) -> list[int]:
    """Read which events a query chooses."""
    return [recorded.position async for recorded in source.events(query, limit=limit)]


RECEIVED, REQUESTED = e.MessageReceived.TYPE, e.ReplyRequested.TYPE
QUERIES: dict[str, tuple[Query, list[int]]] = {
    "everything": (Query(), [1, 2, 3, 4, 5, 6, 7, 8]),
    "the newest first": (Query(newest_first=True), [8, 7, 6, 5, 4, 3, 2, 1]),
    "one stream": (Query(stream="channel:1"), [1, 2, 4, 5, 7, 8]),
    "one stream, the newest first": (Query(stream="channel:1", newest_first=True), [8, 7, 5, 4, 2, 1]),
    "a stream that is not there": (Query(stream="channel:3"), []),
    "one type": (Query(types=[RECEIVED]), [1, 3, 6, 7]),
    "two types": (Query(types=[RECEIVED, REQUESTED]), [1, 2, 3, 6, 7, 8]),
    "a type that is not there": (Query(types=["message.dreamt"]), []),
    "after a position": (Query(after_position=6), [7, 8]),
    "after a position, the newest first": (Query(after_position=6, newest_first=True), [8, 7]),
    "after the last": (Query(after_position=8), []),
    "since a time": (Query(since=BEGAN + 3 * SECOND), [5, 6, 7, 8]),
    "until a time": (Query(until=BEGAN + 3 * SECOND), [1, 2, 3, 4]),
    "between two times": (Query(since=BEGAN + SECOND, until=BEGAN + 3 * SECOND), [3, 4]),
    "one message": (Query(message_id=10), [1, 2, 4, 5, 6]),
    "one message of one stream": (Query(message_id=10, stream="guild:1"), [6]),
    "all at once": (
        Query(
            stream="channel:1",
            types=[RECEIVED, e.ReplySent.TYPE],
            after_position=1,
            since=BEGAN + SECOND,
            until=BEGAN + 9 * SECOND,
            message_id=10,
            newest_first=True,
        ),
        [5, 4],
    ),
}


@pytest.fixture
def began(filled: EventLog, monkeypatch: pytest.MonkeyPatch) -> EventLog:
    """Return the log, read in pages of two."""
    monkeypatch.setattr(folding, "PAGE", 2)
    return filled


@pytest.mark.parametrize(("query", "expected"), QUERIES.values(), ids=QUERIES)
async def test_a_query_chooses(began: EventLog, query: Query, expected: list[int]) -> None:
    """However many pages it takes."""
    assert await positions(began.reader, query) == expected
    for limit in range(9):
        assert await positions(began.reader, query, limit) == expected[:limit]


async def test_a_query_sees_what_comes_while_it_reads(began: EventLog) -> None:
    """It ends at the log's end, wherever that is by then."""
    seen = []
    async for recorded in began.reader.events(Query(stream="channel:1")):
        seen.append(recorded.position)
        if len(seen) == 3:
            await began.append("channel:1", [said(30), asked(30)])

    assert seen == [1, 2, 4, 5, 7, 8, 9, 10]


@pytest.mark.parametrize(
    ("after", "upto", "expected"),
    [
        (0, None, [[1, 2], [3, 4], [5, 6]]),
        (1, None, [[2, 3], [4, 5], [6]]),
        (6, None, []),
        (0, 3, [[1, 2], [3]]),
        (2, 4, [[3, 4]]),
        (3, 3, []),
        (0, 0, []),
        (0, 99, [[1, 2], [3, 4], [5, 6]]),
    ],
)
async def test_a_tail_comes_in_pages(began: EventLog, after: int, upto: int | None, expected: list[list[int]]) -> None:
    """Each of them whole, but the last."""
    pages = began.reader.tail("channel:1", after=after, upto=upto)

    assert [[recorded.version for recorded in page] async for page in pages] == expected


async def test_a_state_is_folded_page_by_page(began: EventLog) -> None:
    """And is that of all events."""
    loaded = await began.reader.load("channel:1")

    assert (loaded.state.version, loaded.state.received, loaded.snapshot_version) == (6, 2, 0)
    assert await began.reader.load("channel:3") == Loaded(Conversation(), 0)


async def test_events_are_found_by_key(filled: EventLog) -> None:
    """By kind and id in the order of their parts; without an id, all of that kind."""
    find = filled.reader.find

    assert [recorded.position for recorded in await find("channel:1", e.KeyKind.SENT, 10)] == [5, 4]
    assert [recorded.position for recorded in await find("channel:1", e.KeyKind.RECEIVED)] == [1, 7]
    assert [recorded.position for recorded in await find("guild:1", e.KeyKind.RECEIVED, 10)] == [6]
    assert await find("channel:1", e.KeyKind.SENT, 11) == []
    assert await find("channel:3", e.KeyKind.SENT) == []


async def test_a_head_is_a_streams_newest_version(filled: EventLog) -> None:
    """Zero where there is no stream."""
    assert [await filled.reader.head(stream) for stream in ("channel:1", "channel:2", "channel:3")] == [6, 1, 0]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", [("channel:1", 6), ("channel:2", 1), ("guild:1", 1)]),
        ("channel:", [("channel:1", 6), ("channel:2", 1)]),
        ("guild:1", [("guild:1", 1)]),
        ("channel:12", []),
        ("CHANNEL:", []),
        ("%", []),
        ("channel_", []),
        ("*", []),
    ],
)
async def test_streams_are_listed_by_name(filled: EventLog, prefix: str, expected: list[tuple[str, int]]) -> None:
    """A prefix is taken as it is."""
    assert await filled.reader.streams(prefix) == [StreamInfo(*stream) for stream in expected]


async def test_a_log_in_numbers(filled: EventLog) -> None:
    """Events, streams, bodies and snapshots, and when the first and the last event were recorded."""
    await filled.save_snapshot("channel:1", (await filled.reader.load("channel:1")).state)
    stats = await filled.reader.stats()

    assert stats == Stats(
        events=8,
        streams=3,
        bodies=4,
        snapshots=1,
        bytes=stats.bytes,
        first_at=BEGAN,
        last_at=BEGAN + 5 * SECOND,
        types={"message.received": 4, "reply.requested": 2, "reply.sent": 2},
        unreadable=0,
        unreadable_words=0,
    )
    assert stats.bytes % 4096 == 0
    assert stats.bytes > 0


async def test_an_empty_log_in_numbers(log: EventLog) -> None:
    """No event has no time."""
    stats = await log.reader.stats()

    assert (stats.events, stats.streams, stats.first_at, stats.last_at, stats.types) == (0, 0, None, None, {})
    assert await positions(log.reader, Query()) == []


@pytest.fixture
async def set_back(location: Location) -> AsyncIterator[EventLog]:
    """Return a log of one stream whose clock read 10:00, 11:00, and, set back an hour, 10:30, 11:30."""
    readings = [0]
    log = await open_log(location, clock=lambda: readings[-1], full=False)
    try:
        for message_id, minute in enumerate((600, 660, 630, 690), 1):
            readings.append(minute)
            await log.append("channel:1", [said(message_id)])
        yield log
    finally:
        await log.close()


@pytest.mark.parametrize(
    ("moment", "version"),
    [(0, 0), (599, 0), (600, 1), (629, 1), (630, 3), (645, 3), (660, 3), (689, 3), (690, 4), (10**18, 4)],
)
async def test_the_version_as_of_then_is_the_newest_recorded_by_then(
    set_back: EventLog, moment: int, version: int
) -> None:
    """Where the clock was set back, a version brings those before it, although they bear a later time."""
    assert await set_back.reader.version_at("channel:1", moment) == version


async def test_no_stream_has_no_version_as_of_then(set_back: EventLog) -> None:
    """At any time."""
    assert await set_back.reader.version_at("channel:2", 10**18) == 0


async def test_a_clock_set_back_changes_no_order(set_back: EventLog) -> None:
    """Events are read as they were recorded."""
    found = [recorded async for recorded in set_back.reader.events(Query())]

    assert [(recorded.version, recorded.recorded_at) for recorded in found] == [(1, 600), (2, 660), (3, 630), (4, 690)]


async def test_a_reader_sees_what_the_owner_has_committed(filled: EventLog, location: Location) -> None:
    """As soon as its append is answered; and it can read while the owner writes."""
    beside = await open_reader(location)
    try:
        for message_id in range(100, 120):
            (appended,) = (await filled.append("channel:2", [said(message_id)])).new
            assert await beside.head("channel:2") == appended.version
            assert (await beside.bodies([appended.position]))[appended.position].text == "hello"
        await asyncio.gather(
            *(filled.append("channel:2", [said(message_id)]) for message_id in range(200, 300)),
            *(positions(beside, Query(stream="channel:1")) for _ in range(10)),
        )
        assert await beside.load("channel:2") == await filled.reader.load("channel:2")
    finally:
        await beside.close()


async def test_a_reader_outlives_the_owner(location: Location, opened: Opener) -> None:
    """And reads on beside the next one."""
    async with opened(location) as log:
        await log.append("channel:1", [said(1)])
        beside = await open_reader(location)
    try:
        assert await beside.head("channel:1") == 1
        async with opened(location) as log:
            await log.append("channel:1", [said(2)])
            assert await beside.head("channel:1") == 2
    finally:
        await beside.close()


async def test_a_reader_can_not_write(filled: EventLog) -> None:
    """Whatever it is asked."""
    with pytest.raises(LogUnwritable, match="read-only"):
        await filled.reader.connection.run(lambda connection: connection.execute(ERASE))
