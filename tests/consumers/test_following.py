"""Consumers over a real log: in order, each event once, from the first one on and live."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.consumers import Away, Batch
from bot.consumers.jsonl import Jsonl
from bot.consumers.status import State
from bot.core.events import Body, Draft, GatewayReady, MessageDeleted, MessageReceived
from bot.eventlog import pages
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from tests.consumers.following import Table, caught_up, filled, rows, running, wishes
from tests.waiting import eventually


async def test_it_sees_all_of_the_log_and_what_comes(log: EventLog, location: Location) -> None:
    """Also when the bot stops and starts in between: each event once, in order."""
    await filled(log, 9)

    async with running(log, Table()) as consumers:
        await caught_up(consumers)
        await filled(log, 3)
        await caught_up(consumers)
    await filled(log, 2)
    async with running(log, Table()) as consumers:
        await caught_up(consumers)

    assert [*range(1, 15)] == rows(location.folder)


async def test_it_is_handed_the_types_it_wants(
    log: EventLog, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place moves on past the others, also over stretches of the log that hold none."""
    monkeypatch.setattr(pages, "SCANNED", 2)
    await filled(log, 7)
    await log.append("bot", [Draft(GatewayReady(session="s", guilds=1))])
    await filled(log, 5)

    class Ready(Table):
        types = (GatewayReady,)

    async with running(log, Ready()) as consumers:
        await caught_up(consumers)
        assert consumers.status("table").position == 13

    assert [8] == rows(location.folder)


async def test_it_gets_words_where_it_wants_them(log: EventLog) -> None:
    """And none for an event whose words are erased."""
    said: list[dict[int, str]] = []

    class Words(Table):
        wants_words = True

        async def handle(self, batch: Batch) -> None:
            said.append({position: body.text for position, body in batch.words.items()})

    for message_id in (5, 6):
        event = MessageReceived(message_id=message_id, author_id=6, sent_at=0)
        await log.append("channel:7", [Draft(event, Body(parts=("hello",)), 6)])
    await log.append("channel:7", [Draft(MessageDeleted(message_id=6))])

    async with running(log, Words()) as consumers:
        await caught_up(consumers)

    assert said == [{1: "hello"}]


async def test_daily_files_hold_words_where_they_are_wanted(log: EventLog, tmp_path: Path) -> None:
    """In the form of an export."""
    event = MessageReceived(message_id=5, author_id=6, sent_at=0)
    await log.append("channel:7", [Draft(event, Body(parts=("hello",)), 6)])
    daily = Jsonl(tmp_path / "daily", words=True)
    daily.name = "jsonl"

    async with running(log, daily) as consumers:
        await caught_up(consumers)

    (file,) = (tmp_path / "daily").glob("*.jsonl")
    line = json.loads(file.read_text())
    assert (line["body"]["parts"], "erased" in line) == (["hello"], False)


@pytest.mark.parametrize("bad", [{3}, {1}, {4, 5}, {12}])
async def test_one_that_fails_is_parked_and_the_rest_goes_on(log: EventLog, location: Location, bad: set[int]) -> None:
    """It is tried as often as patience has it; what was written for it is taken back."""
    table = Table()
    table.fails = {position: KeyError("secret words") for position in bad}
    await filled(log, 12)

    async with running(log, table) as consumers:
        await caught_up(consumers)
        (follower,) = consumers._followers
        status = consumers.status("table")
        assert (status.parked, status.position) == (len(bad), 12)

    assert [position for position in range(1, 13) if position not in bad] == rows(location.folder)
    assert all(table.handled.count((position,)) == 3 for position in bad)
    with closing(sqlite3.connect(follower.path)) as raw:
        parked = raw.execute("SELECT position, type, error, attempts FROM echoless_parked").fetchall()
    assert {(position, "gateway.lost", 3) for position in bad} == {(row[0], row[1], row[3]) for row in parked}
    assert all("KeyError in" in row[2] and "secret" not in row[2] for row in parked)


async def test_parked_ones_are_retried_and_dropped(log: EventLog, location: Location) -> None:
    """Once each; one that fails again stays."""
    table = Table()
    table.fails = {position: ValueError() for position in (2, 3, 5)}
    await filled(log, 6)

    async with running(log, table) as consumers:
        await caught_up(consumers)
        del table.fails[2]
        wishes(log).add("table", "retry")
        wishes(log).add("table", "drop", 3)
        await consumers.look(wishes(log))
        await eventually(lambda: consumers.status("table").parked == 1)
        await eventually(lambda: not wishes(log).read().wishes)

    assert [1, 4, 6, 2] == rows(location.folder)


async def test_while_what_it_writes_to_is_away_all_wait(log: EventLog, location: Location) -> None:
    """Nothing is parked, and it is no failure of an event."""
    table = Table()
    table.fails = {3: Away("the mail server is away")}
    await filled(log, 5)

    async with running(log, table) as consumers:
        await eventually(lambda: consumers.status("table").state is State.WAITING)
        assert consumers.trouble == "table is waiting: the mail server is away"
        table.fails.clear()
        await caught_up(consumers)
        assert (consumers.trouble, consumers.status("table").parked) == ("", 0)

    assert [1, 2, 3, 4, 5] == rows(location.folder)


async def test_a_wish_is_kept_until_it_can_be_fulfilled(log: EventLog, location: Location) -> None:
    """While what it writes to is away, nothing can be retried."""
    table = Table()
    table.fails = {2: ValueError()}
    await filled(log, 3)

    async with running(log, table) as consumers:
        await caught_up(consumers)
        table.fails[2] = Away()
        wishes(log).add("table", "retry", 2)
        await consumers.look(wishes(log))
        await eventually(lambda: consumers.status("table").state is State.WAITING)
        table.fails.clear()
        await eventually(lambda: not wishes(log).read().wishes)

    assert [1, 3, 2] == rows(location.folder)


async def test_it_rests_while_it_is_paused(log: EventLog, location: Location) -> None:
    """From its start on where it was paused before."""
    await filled(log, 2)
    wishes(log).pause("table")

    async with running(log, Table()) as consumers:
        await eventually(lambda: consumers.status("table").state is State.PAUSED)
        assert [] == rows(location.folder)
        wishes(log).resume("table")
        await consumers.look(wishes(log))
        await caught_up(consumers)

    assert [1, 2] == rows(location.folder)


async def test_it_can_not_end_the_transaction(log: EventLog, location: Location) -> None:
    """Which its writes share with its place in the log, however it tries."""

    class Hasty(Table):
        async def handle(self, batch: Batch) -> None:
            await super().handle(batch)
            match batch.events[0].position:
                case 1:
                    await batch.database.commit()
                case 2:
                    await batch.database.rollback()
                case 3:
                    await batch.database.execute("COMMIT")
                case 4:
                    await batch.database.executescript("SELECT 1")

    await filled(log, 5)

    async with running(log, Hasty()) as consumers:
        await caught_up(consumers)
        assert consumers.status("table").parked == 4

    assert [5] == rows(location.folder)


async def test_one_that_takes_too_long_is_parked(log: EventLog, location: Location) -> None:
    """And one that hangs for good stops its consumer, no other, and not the end of the bot."""

    class Slow(Table):
        timeout = 0.05

        async def handle(self, batch: Batch) -> None:
            if any(each.position == 2 for each in batch.events):
                await asyncio.Event().wait()
            await super().handle(batch)

    await filled(log, 3)

    async with running(log, Slow()) as consumers:
        await caught_up(consumers)
        assert consumers.status("table").parked == 1

    assert [1, 3] == rows(location.folder)


async def test_one_that_goes_on_for_ever_is_left(
    log: EventLog, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its consumer is stopped and named; the others go on."""
    monkeypatch.setattr("bot.consumers.running.within.__kwdefaults__", {"grace": 0.01})
    ended = asyncio.Event()

    class Endless(Table):
        name = "endless"
        timeout = 0.01

        async def handle(self, batch: Batch) -> None:
            del batch
            while not ended.is_set():
                try:
                    await ended.wait()
                except asyncio.CancelledError:
                    continue

    await filled(log, 3)

    async with running(log, Endless(), Table()) as consumers:
        await eventually(lambda: consumers.status("endless").state is State.STOPPED)
        await caught_up(consumers, "table")
        assert consumers.trouble.startswith("endless is stopped: it goes on")

    ended.set()
    await asyncio.sleep(0)
    assert [1, 2, 3] == rows(location.folder)


@pytest.mark.parametrize(("failing", "state"), [(4, State.FOLLOWING), (5, State.STOPPED)])
async def test_so_many_parked_events_stop_it(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, failing: int, state: State
) -> None:
    """The mistake is its own then, and all that comes would be parked."""
    monkeypatch.setattr("bot.consumers.follower.MOST_PARKED", 5)
    table = Table()
    table.fails = {position: ValueError() for position in range(1, failing + 1)}
    await filled(log, 9)

    async with running(log, table) as consumers:
        status = consumers.status("table")
        position = 9 if state is State.FOLLOWING else 5
        await eventually(lambda: (status.state, status.parked, status.position) == (state, failing, position))
        assert ("echoless consumers reset" in consumers.trouble) == (state is State.STOPPED)


async def test_an_event_that_can_not_be_read_is_parked(log: EventLog, location: Location) -> None:
    """Visibly, and the others are handled."""
    await filled(log, 3)
    tampering = "DROP TRIGGER events_refuse_update; UPDATE events SET type = 'of.tomorrow' WHERE position = 2"
    await log._writer.connection.executescript(tampering)

    async with running(log, Table()) as consumers:
        await caught_up(consumers)
        # Whatever is asked, it stays on the list as long as nobody can read it.
        wishes(log).add("table", "retry")
        await consumers.look(wishes(log))
        await eventually(lambda: not wishes(log).read().wishes)
        assert consumers.status("table").parked == 1

    assert [1, 3] == rows(location.folder)
