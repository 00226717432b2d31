"""A stream's past for who goes back and forth in it: the same as without what is kept."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.conversations import state_as_of
from bot.conversations.past import BLOCK, FAR, STEPS, Past
from bot.core import events as e
from bot.core.streams import stream_of
from bot.eventlog.location import Location
from bot.eventlog.log import open_log, open_reader
from bot.eventlog.reader import Reader

CHANNEL = 9
EVENTS = FAR + 3 * BLOCK + 7
SET_BACK = 700
"""At this version the clock is set back by an hour."""


def recorded_at(version: int) -> int:
    """Return when the event of a version is recorded, in microseconds."""
    return version * 1_000_000 + (0 if version < SET_BACK else -3_600_000_000) + 7_200_000_000


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    """Return a reader of a log of one channel without any snapshot."""
    version = 0
    log = await open_log(Location(tmp_path / "log"), clock=lambda: recorded_at(version), full=False)
    try:
        for version in range(1, EVENTS + 1):
            event = e.MessageReceived(message_id=version, author_id=1, sent_at=0)
            log.append_units(stream_of(CHANNEL), [(e.Draft(event),)])
        await log.append("bot", (e.Draft(e.BotStopped(reason="")),))
    finally:
        await log.close()
    reader = await open_reader(Location(tmp_path / "log"))
    try:
        yield reader
    finally:
        await reader.close()


async def test_states_and_times_are_those_of_the_log(reader: Reader) -> None:
    """In any order; around each place that is kept."""
    past = Past(reader, stream_of(CHANNEL))
    edges = {each + off for each in (STEPS, BLOCK, FAR) for off in (-1, 0, 1)}
    chosen = {0, 1, EVENTS, *edges, *random.Random(1).sample(range(EVENTS), 12)}
    for version in random.Random(2).sample(sorted(chosen), len(chosen)):
        assert (await past.load(version)).state == (await state_as_of(reader, CHANNEL, version=version)).state
        moment = recorded_at(version)
        assert await past.version_at(moment) == await reader.version_at(stream_of(CHANNEL), moment)


async def test_a_stream_that_grew_is_seen_whole(reader: Reader, tmp_path: Path) -> None:
    """What came after the first look."""
    past, late = Past(reader, stream_of(CHANNEL)), recorded_at(10**6)
    assert await past.version_at(late) == EVENTS
    log = await open_log(Location(tmp_path / "log"), clock=lambda: late, full=False)
    try:
        event = e.MessageReceived(message_id=10**6, author_id=1, sent_at=0)
        await log.append(stream_of(CHANNEL), (e.Draft(event),))
    finally:
        await log.close()
    assert await past.version_at(late) == EVENTS + 1
    assert (await past.load(EVENTS + 1)).state.version == EVENTS + 1
