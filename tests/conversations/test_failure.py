from __future__ import annotations

from pathlib import Path

import pytest

from bot.conversations import Conversations, MailboxFull
from bot.core.events import Call, ChannelDeleted, Draft
from bot.core.streams import stream_of
from bot.errors import LogUnreadable, LogUnwritable, VersionConflict
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from tests.conversations.conftest import (
    Sql,
    failures,
    fill_disk,
    free_disk,
    long_message,
    message,
    received,
    submit,
)
from tests.torture.logs import write_at


async def test_all_that_waits_in_the_channel_fails_and_nothing_is_half_recorded(log: EventLog) -> None:
    """The second batch too, although it was never tried: no later message may stand where an earlier one is missing."""
    conversations = Conversations(log)
    await conversations.handle(7, message(1))
    await fill_disk(log)

    outcomes = await failures(conversations, 7, [long_message(2), *(message(number) for number in range(3, 303))])

    assert {type(outcome) for outcome in outcomes} == {LogUnwritable}
    assert conversations.waiting == 0
    assert await received(log, 7) == [1]


async def test_the_failure_is_told_before_anything_later_is_taken(log: EventLog) -> None:
    """Whoever hears of it finds every command still waiting."""
    conversations = Conversations(log)
    told: list[tuple[int, type[Exception], bool, int]] = []
    first = conversations.submit(7, long_message(1))
    conversations.on_failed.append(
        lambda channel, error: told.append((channel, type(error), first.done(), conversations.waiting))
    )
    await fill_disk(log)

    with pytest.raises(LogUnwritable):
        await first

    assert told == [(7, LogUnwritable, False, 1)]


async def test_it_goes_on_where_it_was_once_there_is_room(log: EventLog) -> None:
    """Versions go on without a gap and the state is the log's."""
    conversations = Conversations(log)
    await submit(conversations, 7, [message(1, Call.DM), message(2)])
    before = await conversations.state(7)
    await fill_disk(log)
    await failures(conversations, 7, [long_message(3)])
    held = await conversations.state(7)

    await free_disk(log)
    new = await conversations.handle(7, message(4, Call.DM))

    assert held == before
    assert [each.version for each in new] == [4, 5]
    assert await conversations.state(7) == (await log.reader.load(stream_of(7))).state


async def test_the_last_conflict_is_told_as_it_was(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else appends to the stream each time, and the attempts run out."""
    monkeypatch.setattr("bot.conversations.conversations.ATTEMPTS", 1)
    conversations = Conversations(log)
    await conversations.handle(7, message(1))
    await log.append(stream_of(7), [Draft(ChannelDeleted())])

    with pytest.raises(VersionConflict, match="Stream channel:7 is at version 2, not 1"):
        await conversations.handle(7, message(2))

    await conversations.handle(7, message(3))
    assert await received(log, 7) == [1, 3]


async def test_an_event_that_cannot_be_read_does_not_stop_its_channel(log: EventLog, sql: Sql) -> None:
    """The channel goes on recording, and knows how many events it does not know."""
    await Conversations(log).handle(1, message(1))
    sql("DROP TRIGGER events_refuse_update")
    sql("UPDATE events SET data = '{}'")
    conversations = Conversations(log)

    await conversations.handle(1, message(2))

    assert await received(log, 1) == [2]
    assert (await conversations.state(1)).unreadable == 1


async def test_a_channel_that_cannot_be_read_fails_alone(tmp_path: Path) -> None:
    """A damaged page is told as what it is, is no reason to stop listening in the others, and may heal."""
    log = await open_log(Location(tmp_path), clock=lambda: 1, full=False)
    await submit(Conversations(log, snapshot_every=10**6), 1, [message(number) for number in range(300)])
    await log.close()
    log = await open_log(Location(tmp_path), clock=lambda: 1, full=False)
    whole = (tmp_path / "events.db").read_bytes()
    at = whole.index(b'{"message_id":9,') // 4096 * 4096
    write_at(tmp_path / "events.db", at, b"\xab" * 4096)
    conversations = Conversations(log)
    told: list[tuple[int, type[Exception]]] = []
    conversations.on_failed.append(lambda channel, error: told.append((channel, type(error))))

    [unread] = await failures(conversations, 1, [message(1000)])
    await conversations.handle(2, message(2))
    with pytest.raises(LogUnreadable):
        await conversations.state(1)
    write_at(tmp_path / "events.db", at, whole[at : at + 4096])
    await log.probe()
    await conversations.handle(1, message(1001))

    assert isinstance(unread, LogUnreadable)
    assert str(unread).startswith("Channel 1 can't be read from the log. The log's database is damaged (SQLITE_CORRUPT")
    assert told == [(1, LogUnreadable), (1, LogUnreadable)]
    assert (await received(log, 2), (await received(log, 1))[-1]) == ([2], 1001)
    await log.close()


async def test_channels_that_failed_do_not_stay_in_memory(log: EventLog) -> None:
    """They hold no state, and would push out those that do."""
    conversations = Conversations(log, hot_channels=2)
    await fill_disk(log)
    for channel in range(1, 11):
        await failures(conversations, channel, [long_message(1)])
    await free_disk(log)

    await conversations.handle(11, message(1))

    assert conversations.hot <= 2


async def test_a_full_disk_costs_a_snapshot_and_nothing_else(log: EventLog, sql: Sql) -> None:
    """A snapshot is a cache: closing goes on without it."""
    conversations = Conversations(log, snapshot_every=1000)
    await submit(conversations, 7, [message(number, Call.DM) for number in range(1, 257)])
    state = await conversations.state(7)
    await fill_disk(log)

    await conversations.close()

    await free_disk(log)
    assert sql("SELECT * FROM snapshots") == []
    assert (await log.reader.load(stream_of(7))).state == state


async def test_a_full_mailbox_refuses_and_says_so(log: EventLog) -> None:
    """What was taken before is recorded, and once there is room it takes more."""
    conversations = Conversations(log, queue=10)
    told: list[int] = []
    conversations.on_failed.append(lambda channel, _error: told.append(channel))

    outcomes = await failures(conversations, 7, [message(number) for number in range(1, 13)])
    await conversations.handle(7, message(11))

    assert [isinstance(outcome, MailboxFull) for outcome in outcomes] == [False] * 10 + [True] * 2
    assert told == [7, 7]
    assert await received(log, 7) == list(range(1, 12))
