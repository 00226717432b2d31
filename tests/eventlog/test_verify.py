"""Whoever edits the log behind its back is found out."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from hashlib import sha256

import pytest

from bot.core import events as e
from bot.eventlog import verify_events
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from bot.eventlog.verify import Progress, verify
from bot.eventlog.verify_events import Finding
from tests.eventlog.conftest import LookedInto, Looking
from tests.tampering import tampering

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

STREAM = "channel:1"
OTHER = "channel:2"
HASH = "its hash does not fit: it, or one before it, was changed or taken away"
SNAPSHOT = "its snapshot is not what the events give"
DIGEST = "its snapshot is damaged"
HEAD = "the stream's head does not fit its last event"


def said(message_id: int) -> e.Draft:
    """Somebody posts a message."""
    return e.Draft(
        e.MessageReceived(message_id=message_id, author_id=7, sent_at=1), e.Body(parts=("hello",)), subject_id=7
    )


def tamper(location: Location, *changes: str, version: int | None = None) -> None:
    """Change a log, or one event of its first stream."""
    where = "" if version is None else f"WHERE stream_id = 1 AND version = {version}"
    with tampering(location.database) as connection:
        for change in changes:
            assert connection.execute(f"{change} {where}").rowcount > 0


async def check(log: EventLog | LookedInto, stream: str | None = None) -> list[Progress]:
    """Verify one stream, or all."""
    return [progress async for progress in verify(log.reader, stream)]


def findings(progress: list[Progress]) -> list[Finding]:
    """Return everything that is wrong."""
    return [finding for one in progress for finding in one.findings]


def found(progress: list[Progress]) -> list[tuple[int, str]]:
    """Return what is wrong with the first stream, and hold the others to be whole."""
    assert {finding.stream for finding in findings(progress)} <= {STREAM}
    return [(finding.version, finding.problem) for finding in findings(progress)]


def pages(progress: list[Progress]) -> list[Progress]:
    """Return the reports about events."""
    return [one for one in progress if one.events]


@pytest.fixture
async def made(location: Location, opened: Opener) -> Location:
    """Return a log of two streams that take turns, with a snapshot at version 4 of the first."""
    async with opened(location) as log:
        for number in range(1, 7):
            if number == 5:
                await log.save_snapshot(STREAM, (await log.reader.load(STREAM)).state)
            draft = e.Draft(e.RepliesPaused(by="moderator")) if number == 3 else said(number)
            await log.append(STREAM, [draft])
            await log.append(OTHER, [said(number)])
    return location


async def test_a_whole_log_gives_no_findings(made: Location, opened: Opener) -> None:
    """Every event is counted."""
    async with opened(made) as log:
        assert pages(await check(log)) == [Progress(12)]
        assert pages(await check(log, STREAM)) == [Progress(6)]
        assert findings(await check(log)) == []


async def test_verification_goes_page_by_page(
    made: Location, looked_into: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that memory stays flat, and progress can be told."""
    monkeypatch.setattr(verify_events, "PAGE", 5)
    async with looked_into(made) as log:
        assert [one.events for one in pages(await check(log))] == [5, 5, 2]
    tamper(made, "UPDATE events SET recorded_at = 1", version=5)
    async with looked_into(made) as log:
        assert [len(one.findings) for one in pages(await check(log))] == [0, 1, 0]


CHANGES = {
    "data": ("UPDATE events SET data = replace(data, '\"sent_at\":1', '\"sent_at\":2')", 2),
    "a type": ("UPDATE events SET type = 'replies.resumed'", 3),
    "a schema version": ("UPDATE events SET v = 99", 2),
    "a schema version to one that never was": ("UPDATE events SET v = 0", 2),
    "a type to an unknown one": ("UPDATE events SET type = 'message.dreamt'", 2),
    "data to no JSON": ("UPDATE events SET data = 'hello'", 2),
    "the time of recording": ("UPDATE events SET recorded_at = recorded_at + 1", 2),
    "a key's kind": ("UPDATE events SET key_kind = 3", 2),
    "a key's kind to one that never was": ("UPDATE events SET key_kind = 99", 2),
    "a key's id": ("UPDATE events SET key_id = 999", 2),
    "a key's part": ("UPDATE events SET key_part = 1", 2),
    "a key to none": ("UPDATE events SET key_kind = NULL, key_id = NULL, key_part = NULL", 2),
    "no key to a part of one": ("UPDATE events SET key_part = 0", 3),
    "the correlation": ("UPDATE events SET correlation = NULL", 2),
    "the causation": ("UPDATE events SET causation = 1", 2),
    "the body's digest": ("UPDATE events SET body_digest = zeroblob(32)", 2),
    "the body's digest to none": ("UPDATE events SET body_digest = NULL", 2),
}


@pytest.mark.parametrize(("change", "version"), CHANGES.values(), ids=CHANGES)
async def test_a_changed_event_is_found(made: Location, looked_into: Looking, change: str, version: int) -> None:
    """Whatever field it is, by its hash; what else does not fit is told beside it."""
    tamper(made, change, version=version)

    async with looked_into(made) as log:
        wrong = found(await check(log))
    assert wrong[0] == (version, HASH)
    assert HASH not in [problem for _, problem in wrong[1:]]


async def test_an_event_at_another_position_is_found(made: Location, looked_into: Looking) -> None:
    """By its hash, and by the gap it leaves."""
    tamper(made, "UPDATE events SET position = 100", version=6)

    async with looked_into(made) as log:
        assert findings(await check(log)) == [
            Finding("", 0, "there is no event between positions 10 and 12"),
            Finding(OTHER, 6, HASH),
            Finding("", 0, "there is no event between positions 12 and 100"),
            Finding(STREAM, 6, HASH),
            Finding(STREAM, 6, "its words do not open with this key"),
        ]


REMOVALS = {
    "the first": (1, 2, (STREAM, 2, "it follows version 0"), (OTHER, 1, HASH)),
    "one in the middle": (5, 10, (STREAM, 6, "it follows version 4"), (OTHER, 5, HASH)),
    "the last": (6, 12, (STREAM, 0, "the stream ends at version 5, its head says 6"), (OTHER, 6, HASH)),
}


@pytest.mark.parametrize(("version", "after", "own", "next_one"), REMOVALS.values(), ids=REMOVALS)
async def test_a_removed_event_is_found(
    made: Location,
    looked_into: Looking,
    version: int,
    after: int,
    own: tuple[str, int, str],
    next_one: tuple[str, int, str],
) -> None:
    """By the gap it leaves in its stream and in the log."""
    tamper(made, "DELETE FROM events", version=version)

    async with looked_into(made) as log:
        wrong = findings(await check(log))
    assert Finding(*own) in wrong
    assert Finding(*next_one) in wrong
    assert Finding("", 0, f"there is no event between positions {after - 2} and {after}") in wrong


async def test_a_stream_without_its_events_is_found(made: Location, looked_into: Looking) -> None:
    """Its head remembers them."""
    tamper(made, "DELETE FROM events WHERE stream_id = 1")

    async with looked_into(made) as log:
        assert found(await check(log, STREAM)) == [(0, "the stream ends at version 0, its head says 6")]


async def test_a_stream_that_was_removed_whole_is_found(made: Location, looked_into: Looking) -> None:
    """Its neighbours in the log remember it."""
    tamper(made, "DELETE FROM events WHERE stream_id = 1", "DELETE FROM streams WHERE id = 1", "DELETE FROM snapshots")

    async with looked_into(made) as log:
        wrong = findings(await check(log))
    assert [finding for finding in wrong if finding.stream] == [
        Finding(OTHER, version, HASH) for version in range(1, 7)
    ]
    assert Finding("", 0, "there is no event between positions 2 and 4") in wrong


async def test_swapped_events_are_found(made: Location, looked_into: Looking) -> None:
    """Both."""
    swapped = "UPDATE events SET version = {1} WHERE stream_id = 1 AND version = {0}"
    tamper(made, *(swapped.format(*change) for change in ((5, 99), (6, 5), (99, 6))))

    async with looked_into(made) as log:
        wrong = found(await check(log))
    assert (5, HASH) in wrong
    assert (6, HASH) in wrong


async def test_an_event_moved_to_another_stream_is_found(made: Location, looked_into: Looking) -> None:
    """The hash covers the stream's name."""
    tamper(made, "DELETE FROM events WHERE stream_id = 1", "UPDATE events SET stream_id = 1")

    async with looked_into(made) as log:
        assert (1, HASH) in found(await check(log, STREAM))


async def test_an_added_event_is_found(made: Location, looked_into: Looking) -> None:
    """A copy of the last one, as the next."""
    tamper(
        made,
        "INSERT INTO events SELECT 100, stream_id, 7, type, v, recorded_at, NULL, NULL, NULL, correlation, causation, "
        "data, body_digest, hash, subject_id, salt, sealed FROM events",
        version=6,
    )

    async with looked_into(made) as log:
        wrong = found(await check(log, STREAM))
    assert wrong == [
        (7, HASH),
        (7, "its words do not open with this key"),
        (7, "its dedupe key is not its own"),
        (0, "the stream ends at version 7, its head says 6"),
    ]


async def test_a_renamed_stream_is_found(made: Location, looked_into: Looking) -> None:
    """From its first event."""
    tamper(made, "UPDATE streams SET name = 'channel:3' WHERE id = 1")

    async with looked_into(made) as log:
        assert Finding("channel:3", 1, HASH) in findings(await check(log))


HEADS = {
    "raised": ("UPDATE streams SET version = 7 WHERE id = 1", [(0, "the stream ends at version 6, its head says 7")]),
    "lowered": ("UPDATE streams SET version = 5 WHERE id = 1", [(0, "the stream ends at version 6, its head says 5")]),
    "of another hash": ("UPDATE streams SET hash = zeroblob(32) WHERE id = 1", [(0, HEAD)]),
}


@pytest.mark.parametrize(("change", "expected"), HEADS.values(), ids=HEADS)
async def test_a_changed_head_is_found(
    made: Location, looked_into: Looking, change: str, expected: list[tuple[int, str]]
) -> None:
    """Before the next append builds on it."""
    tamper(made, change)

    async with looked_into(made) as log:
        assert found(await check(log)) == expected


async def test_a_changed_snapshot_is_found(made: Location, opened: Opener) -> None:
    """Even when its digest was made to fit."""
    with closing(sqlite3.connect(made.database)) as connection, connection:
        ((state,),) = connection.execute("SELECT state FROM snapshots").fetchall()
        forged = state.replace('"paused":true', '"paused":false')
        assert forged != state
        values = (forged, sha256(forged.encode()).digest())
        connection.execute("UPDATE snapshots SET state = ?, digest = ?", values)

    async with opened(made) as log:
        assert not (await log.reader.load(STREAM)).state.paused
        assert found(await check(log)) == [(4, SNAPSHOT)]
        await log.forget_snapshots(STREAM)
        assert (await log.reader.load(STREAM)).state.paused
        assert found(await check(log)) == []


async def test_a_snapshot_with_a_broken_digest_is_found(made: Location, looked_into: Looking) -> None:
    """It is passed over when loading, and told when verifying."""
    tamper(made, "UPDATE snapshots SET digest = zeroblob(32)")

    async with looked_into(made) as log:
        assert found(await check(log)) == [(4, SNAPSHOT), (4, DIGEST)]


async def test_a_snapshot_of_another_fold_is_no_finding(made: Location, looked_into: Looking) -> None:
    """An older release left it."""
    state = "{}"
    with closing(sqlite3.connect(made.database)) as connection, connection:
        values = (state, sha256(state.encode()).digest())
        connection.execute("UPDATE snapshots SET fold = 'older', state = ?, digest = ?", values)

    async with looked_into(made) as log:
        assert found(await check(log)) == []


async def test_a_stream_that_does_not_exist_is_told(made: Location, looked_into: Looking) -> None:
    """Whoever asks for it mistyped its name."""
    async with looked_into(made) as log:
        assert findings(await check(log, "channel:3")) == [Finding("channel:3", 0, "there is no such stream")]


async def test_a_log_that_grows_is_no_finding(made: Location, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verification may run beside the bot."""
    monkeypatch.setattr(verify_events, "PAGE", 5)

    async def append() -> None:
        for number in range(100, 160):
            await log.append(STREAM, [said(number)])

    async with opened(made) as log:
        growing = asyncio.create_task(append())
        while not growing.done():
            assert found(await check(log)) == []
        await growing
        assert sum(one.events for one in await check(log, STREAM)) == 66


@pytest.mark.parametrize("statement", ["UPDATE events SET recorded_at = 1", "DELETE FROM events"])
async def test_the_database_itself_refuses_to_change_events(made: Location, statement: str) -> None:
    """Whatever program asks."""
    with (
        closing(sqlite3.connect(made.database)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)
