"""Finding one thing in a log: by position, by person, by the bot's own message, by version."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, closing

import pytest

from bot.core import events as e
from bot.eventlog import folding, reader
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query
from tests.eventlog.conftest import Looking

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

STREAM = "channel:1"
LARGE = 2**63 - 1
"""An id that a floating-point number would round."""


def said(message_id: int, author_id: int) -> e.Draft:
    """Somebody posts a message."""
    return e.Draft(e.MessageReceived(message_id=message_id, author_id=author_id, sent_at=1))


def asked(message_id: int, author_id: int) -> e.Draft:
    """Request a reply to it."""
    return e.Draft(e.ReplyRequested(message_id=message_id, author_id=author_id, responder="rules", call=e.Call.DM))


def sent(message_id: int, part: int, sent_id: int) -> e.Draft:
    """Get a part of a reply into Discord."""
    return e.Draft(e.ReplySent(message_id=message_id, part=part, sent_id=sent_id, proof=e.Proof.ECHO))


APPENDS = [
    (STREAM, [said(10, 7), asked(10, 7)]),
    ("channel:2", [said(20, 7)]),
    (STREAM, [said(11, LARGE)]),
    (STREAM, [sent(10, 0, 500), sent(10, 1, LARGE)]),
    ("channel:2", [sent(20, 0, 600)]),
    (STREAM, [e.Draft(e.ForeignReplySeen(message_id=10, sent_id=700))]),
]


@pytest.fixture
async def filled(location: Location, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EventLog]:
    """Return a log of positions 1 to 8, read in pages of two."""
    monkeypatch.setattr(folding, "PAGE", 2)
    async with opened(location) as log:
        for stream, drafts in APPENDS:
            await log.append(stream, drafts)
        yield log


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param(Query(author_id=7), [1, 2, 3], id="a person's messages and what was asked for them"),
        pytest.param(Query(author_id=LARGE), [4], id="a person with a large id"),
        pytest.param(Query(author_id=LARGE - 1), [], id="a person with nearly that id"),
        pytest.param(Query(author_id=7, stream="channel:2"), [3], id="a person in one stream"),
        pytest.param(Query(author_id=7, newest_first=True), [3, 2, 1], id="a person, the newest first"),
        pytest.param(Query(stream=STREAM, first_version=3), [4, 5, 6, 8], id="from a version"),
        pytest.param(Query(stream=STREAM, last_version=3), [1, 2, 4], id="up to a version"),
        pytest.param(Query(stream=STREAM, first_version=2, last_version=4), [2, 4, 5], id="between two versions"),
        pytest.param(
            Query(stream=STREAM, first_version=2, last_version=4, newest_first=True), [5, 4, 2], id="backwards"
        ),
        pytest.param(Query(stream=STREAM, first_version=7), [], id="beyond the head"),
    ],
)
async def test_a_query_chooses(filled: EventLog, query: Query, expected: list[int]) -> None:
    """However many pages it takes."""
    assert [recorded.position async for recorded in filled.reader.events(query)] == expected


@pytest.mark.parametrize(
    ("stream", "sent_id", "position"),
    [(STREAM, 500, 5), (STREAM, LARGE, 6), (STREAM, LARGE - 1, None), (STREAM, 600, None), ("channel:2", 600, 7)],
)
async def test_the_bots_own_message_leads_to_its_reply(
    filled: EventLog, stream: str, sent_id: int, position: int | None
) -> None:
    """In its stream."""
    found = await filled.reader.sent_as(stream, sent_id)

    assert (found and found.position) == position


async def test_another_process_message_is_no_reply_of_this_log(filled: EventLog) -> None:
    """Although it is known of."""
    assert await filled.reader.sent_as(STREAM, 700) is None


async def test_events_are_found_by_position(filled: EventLog) -> None:
    """In order, each once, without those that are not there."""
    found = await filled.reader.at([7, 1, 99, 7, -1])

    assert [recorded.position for recorded in found] == [1, 7]
    assert await filled.reader.at([]) == []
    assert len(await filled.reader.at(range(300_000))) == 8


async def test_data_that_is_damaged_hides_nothing_beside_it(
    location: Location, opened: Opener, looked_into: Looking
) -> None:
    """What is looked for by its data is found, and the damaged event is still there."""
    async with opened(location) as log:
        await log.append(STREAM, [sent(9, 0, 400), said(9, 7)])
        await log.append(STREAM, [sent(10, 0, 500), said(10, 7)])
    with closing(sqlite3.connect(location.database)) as connection:
        connection.executescript(
            "DROP TRIGGER events_refuse_update; UPDATE events SET data = '{broken' WHERE position < 3"
        )

    async with looked_into(location) as log:
        found = [await log.reader.sent_as(STREAM, 500), await log.reader.message(500)]
        assert [each and each.position for each in found] == [3, 3]
        assert await log.reader.sent_as(STREAM, 400) is None
        assert [recorded.position async for recorded in log.reader.events(Query(author_id=7))] == [4]
        assert [type(each.event) is e.Unreadable async for each in log.reader.events(Query())] == [
            True,
            True,
            False,
            False,
        ]


@pytest.mark.parametrize(
    ("message_id", "position"),
    [
        pytest.param(10, 1, id="somebody's"),
        pytest.param(20, 3, id="somebody's in another stream"),
        pytest.param(600, 7, id="the bot's own"),
        pytest.param(LARGE, 6, id="the bot's own, with a large id"),
        pytest.param(700, None, id="one that is not the bot's"),
        pytest.param(7, None, id="a person"),
    ],
)
async def test_a_message_is_found_in_any_stream(filled: EventLog, message_id: int, position: int | None) -> None:
    """By what was first recorded about it, or by the sending of it."""
    found = await filled.reader.message(message_id)

    assert (found.position if found else None) == position


async def test_a_message_is_found_by_its_key(filled: EventLog) -> None:
    """Not by looking through the log."""
    sql = f"EXPLAIN QUERY PLAN {reader.MESSAGE}"

    rows = await filled.reader.connection.run(lambda raw: raw.execute(sql, ("[1, 2]", 10)).fetchall())

    assert any("USING INDEX events_key (key_kind=? AND key_id=?)" in row[-1] for row in rows), rows
    assert not any("SCAN e" in row[-1] for row in rows), rows


async def test_the_newest_words_of_people(location: Location, opened: Opener) -> None:
    """Written or edited, in some streams or anywhere, erased ones aside."""
    words = e.Body(name="ada", parts=("hi",))
    async with opened(location) as log:
        for stream, event, body in (
            ("channel:1", e.MessageReceived(message_id=1, author_id=7, sent_at=1), words),
            ("channel:2", e.MessageReceived(message_id=2, author_id=7, sent_at=1), words),
            ("channel:1", e.MessageEdited(message_id=1, author_id=7, edited_at=2), words),
            ("channel:1", e.MessageReceived(message_id=3, author_id=LARGE, sent_at=1), words),
            ("channel:1", e.MessageReceived(message_id=4, author_id=7, sent_at=1), None),
            ("channel:1", e.ReplyRequested(message_id=3, author_id=9, responder="rules", call=e.Call.DM), None),
        ):
            await log.append(stream, [e.Draft(event, body, event.author_id)])

        assert {7: 3, LARGE: 4} == await log.reader.newest_words((7, 9, LARGE))
        assert {7: 2} == await log.reader.newest_words((7, LARGE), ("channel:2",))
        assert {} == await log.reader.newest_words(())
