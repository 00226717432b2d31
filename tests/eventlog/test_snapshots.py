"""Snapshots are a cache: a good one saves time, a bad one costs none but its own."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass, make_dataclass
from hashlib import sha256
from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.events import Via
from bot.core.fold import FOLD, fold
from bot.core.outbox import Pending
from bot.eventlog import snapshots
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from bot.eventlog.reader import Loaded
from bot.eventlog.snapshots import EVERY, due, fingerprint

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

STREAM = "channel:1"


def said(message_id: int) -> e.Draft:
    """Somebody posts a message."""
    return e.Draft(e.MessageReceived(message_id=message_id, author_id=7, sent_at=1))


async def grow(log: EventLog, upto: int) -> list[Conversation]:
    """Append messages until the stream is at a version; return the state at each version from 0."""
    head = await log.reader.head(STREAM)
    await log.append_units(STREAM, [[said(number)] for number in range(head + 1, upto + 1)])
    recorded = [one async for page in log.reader.tail(STREAM) for one in page]
    return [fold(recorded[:version]) for version in range(upto + 1)]


def change(location: Location, statement: str, *values: object) -> None:
    """Change the stored snapshots behind the log's back."""
    with closing(sqlite3.connect(location.database)) as connection, connection:
        assert connection.execute(statement, values).rowcount > 0


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0, 0, False),
        (0, 1, False),
        (0, EVERY - 1, False),
        (EVERY - 1, EVERY, True),
        (EVERY, EVERY, False),
        (EVERY, EVERY + 1, False),
        (EVERY - 1, EVERY + 1, True),
        (1, 5 * EVERY, True),
        (5 * EVERY - 1, 5 * EVERY, True),
    ],
)
def test_a_snapshot_is_due_at_each_hundredth_event(*, before: int, after: int, expected: bool) -> None:
    """However many events come at once."""
    assert due(before, after) is expected


def test_how_often_is_a_choice() -> None:
    """Each event, if need be."""
    assert [due(version - 1, version, every=1) for version in (1, 2, 3)] == [True] * 3
    assert [version for version in range(1, 10) if due(version - 1, version, every=3)] == [3, 6, 9]


def test_the_fingerprint_follows_the_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number, the window's size and the shape of the state."""
    seen = {fingerprint.__wrapped__()}
    for name, value in (("FOLD", FOLD + 1), ("WINDOW", 32)):
        with monkeypatch.context() as patch:
            patch.setattr(snapshots, name, value)
            seen.add(fingerprint.__wrapped__())

    assert len(seen) == 3
    assert fingerprint.__wrapped__() == fingerprint()


@dataclass
class Noted:
    """A state with a field whose name is also a word of JSON schemas."""

    description: str
    kind: Via


def test_the_fingerprint_knows_no_docstrings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A better word in one leaves every snapshot as good as it was; a field is no word, whatever its name."""

    def of(shape: type[Any]) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(snapshots, "_adapter", lambda: TypeAdapter(shape))
            return fingerprint.__wrapped__()

    before = of(Noted), of(Conversation)
    monkeypatch.setattr(Noted, "__doc__", "Other words.")
    monkeypatch.setattr(Via, "__doc__", "Other words.")
    monkeypatch.setattr(Pending, "__doc__", "Other words.")
    monkeypatch.setattr(Conversation, "__doc__", "Other words.")

    assert before == (of(Noted), of(Conversation))
    assert before[0] != of(make_dataclass("Noted", [("kind", Via)]))
    assert before[0] != of(make_dataclass("Noted", [("description", int), ("kind", Via)]))


async def test_a_state_is_the_newest_snapshot_and_the_events_after_it(log: EventLog) -> None:
    """And equal to the fold of all."""
    states = await grow(log, 10)
    assert await log.reader.load(STREAM) == Loaded(states[10], 0)

    for version in (3, 7):
        await log.save_snapshot(STREAM, states[version])
    assert await log.reader.load(STREAM) == Loaded(states[10], 7)
    states = await grow(log, 12)
    assert await log.reader.load(STREAM) == Loaded(states[12], 7)


async def test_a_snapshot_at_the_head_is_the_state(log: EventLog) -> None:
    """No event is read."""
    states = await grow(log, 5)
    await log.save_snapshot(STREAM, states[5])

    assert await log.reader.load(STREAM) == Loaded(states[5], 5)


@pytest.mark.parametrize(("upto", "snapshot"), [(0, 0), (2, 0), (3, 3), (6, 3), (7, 7), (8, 7), (10, 7), (99, 7)])
async def test_a_state_as_of_then_uses_no_later_snapshot(log: EventLog, upto: int, snapshot: int) -> None:
    """Nor later events; beyond the head is the head."""
    states = await grow(log, 10)
    for version in (3, 7):
        await log.save_snapshot(STREAM, states[version])

    assert await log.reader.load(STREAM, upto=upto) == Loaded(states[min(upto, 10)], snapshot)


async def test_a_snapshot_taken_twice_is_one(log: EventLog) -> None:
    """The newer one stays."""
    states = await grow(log, 3)
    await log.save_snapshot(STREAM, states[3])
    await log.save_snapshot(STREAM, states[3])

    assert (await log.reader.stats()).snapshots == 1


async def test_a_snapshot_of_no_stream_is_none(log: EventLog) -> None:
    """There is nothing to take it of."""
    await log.save_snapshot("channel:2", Conversation(version=3))

    assert (await log.reader.stats()).snapshots == 0
    assert await log.reader.load("channel:2") == Loaded(Conversation(), 0)


async def test_snapshots_are_of_their_stream(log: EventLog) -> None:
    """Another one's state is none of its business."""
    states = await grow(log, 3)
    await log.append("channel:2", [said(1)])
    await log.save_snapshot(STREAM, states[3])

    assert (await log.reader.load("channel:2")).snapshot_version == 0


async def test_snapshots_are_forgotten(log: EventLog) -> None:
    """Those of one stream; the next load folds anew."""
    states = await grow(log, 5)
    await log.append("channel:2", [said(1)])
    await log.save_snapshot("channel:2", Conversation(version=1))
    for version in (2, 4):
        await log.save_snapshot(STREAM, states[version])

    assert await log.forget_snapshots(STREAM) == 2
    assert await log.forget_snapshots(STREAM) == 0
    assert await log.reader.load(STREAM) == Loaded(states[5], 0)
    assert (await log.reader.stats()).snapshots == 1


def digest(state: str) -> bytes:
    """Return the digest that fits a state's JSON."""
    return sha256(state.encode()).digest()


SHAPELESS = json.dumps({"version": 4, "window": "none"})
BEHIND = snapshots.encode(Conversation(version=2))[0]
BROKEN = {
    "of another fold": ("UPDATE snapshots SET fold = ? WHERE version = 4", "0" * 16),
    "with a broken digest": ("UPDATE snapshots SET digest = ? WHERE version = 4", bytes(32)),
    "with an empty digest": ("UPDATE snapshots SET digest = ? WHERE version = 4", b""),
    "with a changed state": ("UPDATE snapshots SET state = replace(state, ?, '9') WHERE version = 4", "7"),
    "with no state": ("UPDATE snapshots SET state = ? WHERE version = 4", ""),
    "that is no JSON": (
        "UPDATE snapshots SET state = ?, digest = ? WHERE version = 4", "{", digest("{")
    ),
    "of another shape": (
        "UPDATE snapshots SET state = ?, digest = ? WHERE version = 4", SHAPELESS, digest(SHAPELESS)
    ),
    "of another version than it says": (
        "UPDATE snapshots SET state = ?, digest = ? WHERE version = 4", BEHIND, digest(BEHIND)
    ),
    "beyond the head": ("UPDATE snapshots SET version = ? WHERE version = 4", 9),
}  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_a_snapshot_that_is_no_good_is_passed_over(
    location: Location, opened: Opener, broken: tuple[str, ...]
) -> None:
    """For an older one, or for none; the state is the same."""
    async with opened(location) as log:
        states = await grow(log, 5)
        for version in (2, 4):
            await log.save_snapshot(STREAM, states[version])
    change(location, *broken)
    async with opened(location) as log:
        assert await log.reader.load(STREAM) == Loaded(states[5], 2)

    change(location, "UPDATE snapshots SET digest = ?", b"broken")
    async with opened(location) as log:
        assert await log.reader.load(STREAM) == Loaded(states[5], 0)


async def test_a_snapshot_is_taken_anew_after_a_release(location: Location, opened: Opener) -> None:
    """The older fold's gives way at its version."""
    async with opened(location) as log:
        states = await grow(log, 5)
        await log.save_snapshot(STREAM, states[4])
    change(location, "UPDATE snapshots SET fold = 'older'")
    async with opened(location) as log:
        await log.save_snapshot(STREAM, states[4])

        assert await log.reader.load(STREAM) == Loaded(states[5], 4)
        assert (await log.reader.stats()).snapshots == 1


async def test_snapshots_are_thinned_with_age(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the newest stay, and one in a while of the older ones; a state is the same with any of them."""
    monkeypatch.setattr(snapshots, "RECENT", 10)
    monkeypatch.setattr(snapshots, "SPACING", 6)
    await log.append("channel:2", [said(1)])
    await log.save_snapshot("channel:2", Conversation(version=1))
    states = await grow(log, 30)
    for version in range(2, 31, 2):
        await log.save_snapshot(STREAM, states[version])

    loaded = [await log.reader.load(STREAM, upto=version) for version in range(31)]
    assert [one.state for one in loaded] == states
    assert sorted({one.snapshot_version for one in loaded}) == [0, 2, 6, 12, 18, *range(22, 31, 2)]
    assert (await log.reader.load("channel:2")).snapshot_version == 1
