from __future__ import annotations

import asyncio

from bot.conversations import BATCH, Conversations
from bot.core.commands import Delete, Record
from bot.core.events import (
    Call,
    Draft,
    MessageSkipped,
    Recorded,
    RepliesPaused,
    ReplyAbandoned,
    SkipReason,
)
from bot.core.streams import channel_of, stream_of
from bot.eventlog.log import EventLog
from tests.conversations.conftest import SECOND, history, message, received, submit


def test_a_stream_is_named_after_its_channel() -> None:
    """The kind is part of the name, so that a server with the same id is another stream."""
    assert stream_of(42) == "channel:42"
    assert channel_of("channel:42") == 42
    assert channel_of("guild:42") is None


async def test_commands_submitted_together_share_a_commit_and_keep_their_order(log: EventLog) -> None:
    """Every append reads the clock once, so equal times tell one commit: two batches and a bit take three."""
    conversations = Conversations(log)
    numbers = range(1, 2 * BATCH + 2)

    outcomes = await submit(conversations, 7, [message(number) for number in numbers])

    recorded = await history(log, 7)
    assert [each.event for each in recorded] == [message(number).event for number in numbers]
    assert [each.version for each in recorded] == list(numbers)
    assert outcomes == [(each,) for each in recorded]
    assert len({each.recorded_at for each in recorded}) == 3


async def test_what_comes_during_a_commit_waits_for_the_next_one(log: EventLog) -> None:
    """A busy channel is slowed to two commits here, not three."""
    conversations = Conversations(log)
    await conversations.handle(7, message(1))
    first = conversations.submit(7, message(2))
    await asyncio.sleep(0)

    later = [conversations.submit(7, message(number)) for number in (3, 4)]
    await asyncio.gather(first, *later)

    _, *at = [each.recorded_at for each in await history(log, 7)]
    assert at == [at[0], at[0] + SECOND, at[0] + SECOND]


async def test_each_command_is_decided_on_what_those_before_it_lead_to(log: EventLog) -> None:
    """A pause counts for the message right behind it, and pausing again is no news."""
    conversations = Conversations(log)
    pause = Record(RepliesPaused(by="ada"))

    [paused, answered, again] = await submit(conversations, 7, [pause, message(1, Call.DM), pause])

    assert [each.event for each in paused] == [pause.event]
    assert answered[1].event == MessageSkipped(message_id=1, reason=SkipReason.PAUSED)
    assert again == ()


async def test_a_cause_decided_in_the_same_batch_is_a_real_event(log: EventLog) -> None:
    """Decisions do not know positions yet: none is made up that belongs to somebody else."""
    await log.append("bot", [Draft(RepliesPaused(by="takes position 1"))])
    conversations = Conversations(log)

    await submit(conversations, 7, [message(1, Call.DM), Delete(1)])

    *before, abandoned = await history(log, 7)
    assert isinstance(abandoned.event, ReplyAbandoned)
    assert abandoned.causation in {each.position for each in before}


async def test_a_caller_that_gives_up_harms_nobody(log: EventLog) -> None:
    """What was submitted is recorded, whoever still waits for it."""
    conversations = Conversations(log)

    futures = [conversations.submit(7, message(number)) for number in (1, 2, 3)]
    futures[1].cancel()
    await asyncio.wait(futures)

    assert await received(log, 7) == [1, 2, 3]
    assert conversations.waiting == 0


async def test_closing_decides_what_waits(log: EventLog) -> None:
    """A stop loses nothing that was taken."""
    conversations = Conversations(log)
    future = conversations.submit(7, message(1))

    await conversations.close()

    assert future.done()
    assert await received(log, 7) == [1]


async def test_a_message_delivered_again_appends_nothing(log: EventLog) -> None:
    """In the same batch and later."""
    conversations = Conversations(log)

    together = await submit(conversations, 7, [message(1, Call.DM), message(1, Call.DM)])
    later = await conversations.handle(7, message(1, Call.DM))

    assert [len(outcome) for outcome in (*together, later)] == [2, 0, 0]
    assert len(await history(log, 7)) == 2


async def test_a_redelivery_beyond_the_window_appends_nothing_and_holds_up_nobody(log: EventLog) -> None:
    """State has forgotten the message; the log's dedupe key has not."""
    conversations = Conversations(log)
    await submit(conversations, 7, [message(number) for number in range(1, 101)])

    outcomes = await submit(conversations, 7, [message(101), message(1), message(2), message(102)])

    assert [len(outcome) for outcome in outcomes] == [1, 0, 0, 1]
    assert await received(log, 7) == list(range(1, 103))


async def test_listeners_hear_of_new_events_alone(log: EventLog) -> None:
    """Loading, and what was there already, can cause no effect."""
    heard: list[tuple[int, int, tuple[Recorded, ...]]] = []
    conversations = Conversations(log)
    conversations.on_appended.append(lambda channel, state, new: heard.append((channel, state.version, new)))
    await submit(conversations, 7, [message(1), message(2)])
    await conversations.handle(7, message(2))

    restarted = Conversations(log)
    restarted.on_appended = conversations.on_appended
    await restarted.state(7)
    await restarted.handle(7, message(1))

    assert heard == [(7, 2, tuple(await history(log, 7)))]


async def test_a_stale_decision_is_made_again_on_what_is_there(log: EventLog) -> None:
    """Somebody else's pause, appended behind its back, counts."""
    conversations = Conversations(log)
    await conversations.handle(7, message(1))
    await log.append(stream_of(7), [Draft(RepliesPaused(by="another hand"))])

    new = await conversations.handle(7, message(2, Call.DM))

    assert [each.version for each in new] == [3, 4]
    assert new[1].event == MessageSkipped(message_id=2, reason=SkipReason.PAUSED)
    assert await conversations.state(7) == (await log.reader.load(stream_of(7))).state


async def test_a_whole_batch_survives_an_append_behind_its_back(log: EventLog) -> None:
    """The writer takes the foreign event first, so the batch was decided on a version that is old by then."""
    conversations = Conversations(log)
    await conversations.handle(7, message(1))
    futures = [conversations.submit(7, message(number)) for number in range(2, 302)]
    await log.append(stream_of(7), [Draft(message(1000).event)])

    await asyncio.gather(*futures)

    assert await received(log, 7) == [1, 1000, *range(2, 302)]
