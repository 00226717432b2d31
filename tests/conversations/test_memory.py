from __future__ import annotations

import asyncio

import pytest

from bot.conversations import Conversations, state_as_of
from bot.core.commands import Delete, Record
from bot.core.conversation import Conversation
from bot.core.events import Call, RepliesPaused
from bot.core.streams import stream_of
from bot.eventlog.log import EventLog
from tests.conversations.conftest import SECOND, Sql, history, message, received, submit

SNAPSHOTS = "SELECT s.name, n.version FROM snapshots n JOIN streams s ON s.id = n.stream_id ORDER BY s.name, n.version"


async def test_the_channel_longest_untouched_goes_and_comes_back_the_same(log: EventLog) -> None:
    """Least recently used first, equal to the last field after a reload."""
    conversations = Conversations(log, hot_channels=2)
    for channel in (1, 2):
        await submit(conversations, channel, [message(10 * channel + number, Call.DM) for number in range(5)])
    await conversations.handle(1, message(99))
    states = {channel: conversations.peek(channel) for channel in (1, 2)}

    await conversations.handle(3, message(1))

    assert conversations.hot == 2
    assert conversations.peek(2) is None
    assert {channel: await conversations.state(channel) for channel in (1, 2)} == states
    assert [each.version for each in await conversations.handle(2, message(100))] == [11]


async def test_busy_channels_stay(log: EventLog) -> None:
    """More than the limit, until they are done."""
    conversations = Conversations(log, hot_channels=2)

    futures = [conversations.submit(channel, message(1)) for channel in range(1, 11)]
    busy = conversations.hot
    await asyncio.gather(*futures)
    await conversations.handle(11, message(1))

    assert (busy, conversations.hot) == (10, 2)
    assert [await received(log, channel) for channel in range(1, 12)] == [[1]] * 11


async def test_channels_go_by_their_bytes_too(log: EventLog) -> None:
    """A few full windows, or many empty ones; what is counted follows what comes, goes and is loaded again."""
    probe = Conversations(log)
    await submit(probe, 1, [message(number) for number in range(64)])
    full = probe.hot_bytes
    conversations = Conversations(log, hot_bytes=2 * full)

    for channel in range(2, 7):
        await submit(conversations, channel, [message(number) for number in range(64)])

    assert conversations.hot == 3
    assert conversations.hot_bytes == 3 * full
    conversations.forget(6)
    assert conversations.hot_bytes == 2 * full
    await conversations.handle(6, message(65))
    assert conversations.hot_bytes == 3 * full


async def test_unfinished_replies_are_counted_and_found_again(log: EventLog) -> None:
    """Counted over hot channels; found by a process that has loaded none."""
    conversations = Conversations(log)

    await submit(conversations, 1, [message(1, Call.DM), message(2, Call.DM), message(3)])
    await submit(conversations, 2, [message(4, Call.DM)])

    assert conversations.pending == 3
    assert await Conversations(log).unfinished() == [1, 2]


async def test_a_channel_is_finished_only_when_nothing_is_left(log: EventLog) -> None:
    """One reply was let go of, the other still waits."""
    conversations = Conversations(log)
    await submit(conversations, 1, [message(1, Call.DM), Delete(1)])
    await submit(conversations, 2, [message(2, Call.DM)])

    await conversations.finish(1)
    await conversations.finish(2)

    assert await conversations.unfinished() == [2]


async def test_a_snapshot_is_kept_whenever_a_multiple_is_passed(log: EventLog, sql: Sql) -> None:
    """And loading begins from the newest."""
    conversations = Conversations(log, snapshot_every=10)
    for number in range(1, 26):
        await conversations.handle(7, message(number))
    await log.probe()

    loaded = await log.reader.load(stream_of(7))

    assert sql(SNAPSHOTS) == [("channel:7", 10), ("channel:7", 20)]
    assert (loaded.snapshot_version, loaded.state) == (20, await conversations.state(7))


async def test_a_batch_keeps_one_snapshot_at_its_end(log: EventLog, sql: Sql) -> None:
    """However many multiples it passes."""
    conversations = Conversations(log, snapshot_every=10)

    await submit(conversations, 7, [message(number) for number in range(1, 36)])
    await log.probe()

    assert sql(SNAPSHOTS) == [("channel:7", 35)]


async def test_a_snapshot_is_kept_of_an_evicted_channel(log: EventLog, sql: Sql) -> None:
    """So that the channel comes back without folding its tail."""
    conversations = Conversations(log, hot_channels=1)

    await submit(conversations, 1, [message(1), message(2)])
    await conversations.handle(2, message(1))
    await log.probe()

    assert sql(SNAPSHOTS) == [("channel:1", 2)]


async def test_closing_keeps_a_snapshot_of_every_hot_channel(log: EventLog, sql: Sql) -> None:
    """None twice: channel 1 has one of its newest version already."""
    conversations = Conversations(log, snapshot_every=2)
    for channel in (1, 2):
        await submit(conversations, channel, [message(1), message(2)])
    await conversations.handle(2, message(3))

    await conversations.close()

    assert sql(SNAPSHOTS) == [("channel:1", 2), ("channel:2", 2), ("channel:2", 3)]
    assert conversations.hot == 0


@pytest.fixture
async def states(log: EventLog) -> list[Conversation]:
    """Record six events, a second or more apart, and return the state before and after each."""
    conversations = Conversations(log, snapshot_every=2)
    states = [Conversation()]
    for command in (message(1), message(2), Record(RepliesPaused(by="ada")), message(4), message(5), Delete(4)):
        await conversations.handle(7, command)
        states.append(await conversations.state(7))
    return states


async def test_the_state_as_of_a_version(log: EventLog, states: list[Conversation]) -> None:
    """Snapshots lie before, at and after it."""
    for version, state in enumerate(states):
        assert (await state_as_of(log.reader, 7, version=version)).state == state


async def test_the_state_as_of_a_moment(log: EventLog, states: list[Conversation]) -> None:
    """From an event's own time until just before the next one's."""
    moments = [each.recorded_at for each in await history(log, 7)]

    assert (await state_as_of(log.reader, 7, moment=moments[0] - 1)).state == Conversation()
    for moment, state in zip(moments, states[1:], strict=True):
        assert (await state_as_of(log.reader, 7, moment=moment)).state == state
        assert (await state_as_of(log.reader, 7, moment=moment + SECOND - 1)).state == state


async def test_the_state_now_and_of_an_unknown_channel(log: EventLog, states: list[Conversation]) -> None:
    """A channel that nobody wrote in is empty, not an error."""
    assert (await state_as_of(log.reader, 7)).state == states[-1]
    assert (await state_as_of(log.reader, 8)).state == Conversation()
