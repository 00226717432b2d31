"""Damage inside the database: told by an error of ours wherever it is read, and found by verification."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from bot.core import events as e
from bot.errors import LogDamaged
from bot.eventlog import database, opening
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query
from bot.eventlog.verify import verify
from tests.eventlog.conftest import LookedInto, Looking

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

STREAM = "channel:1"
MESSAGES = 300
PAGE = database.PAGE_SIZE


def said(message_id: int) -> e.Draft:
    """Somebody posts a long message, so that the log has pages of every kind."""
    body = e.Body(name="Ada", parts=(f"{message_id} " * 150,))
    return e.Draft(e.MessageReceived(message_id=message_id, author_id=7, sent_at=1), body, subject_id=7)


@pytest.fixture
async def made(location: Location, opened: Opener) -> Location:
    """Return a log of some pages, closed in good order, so that nothing waits in the write-ahead log."""
    async with opened(location) as log:
        await log.append_units(STREAM, [[said(number)] for number in range(MESSAGES)])
    return location


def page_of(path: Path, table: str) -> int:
    """Return the page that holds the middle of a large table, or the first page of a small one or an index."""
    chosen = {
        "events": "SELECT CAST(data AS BLOB) FROM events WHERE version = 150",
        "bodies": "SELECT salt FROM events WHERE position = 150",
    }
    with closing(sqlite3.connect(path)) as connection:
        if table not in chosen:
            (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
            return int(page)
        (needle,) = connection.execute(chosen[table]).fetchone()
    whole = path.read_bytes()
    assert whole.count(needle) == 1
    return whole.index(needle) // PAGE + 1


async def damage(location: Location, opened: Opener, table: str) -> None:
    """Take a snapshot, close the log, and overwrite a page of a table."""
    async with opened(location) as log:
        await log.save_snapshot(STREAM, (await log.reader.load(STREAM)).state)
    whole = bytearray(location.database.read_bytes())
    page = page_of(location.database, table)
    whole[(page - 1) * PAGE : page * PAGE] = b"\xab" * PAGE
    location.database.write_bytes(whole)


async def problems(log: EventLog | LookedInto) -> list[str]:
    """Verify a log."""
    return [finding.problem async for progress in verify(log.reader, STREAM) for finding in progress.findings]


async def read_everything(log: EventLog | LookedInto) -> None:
    """Read everything there is."""
    async for _ in log.reader.events(Query()):
        pass
    async for page in log.reader.tail(STREAM):
        await log.reader.bodies([recorded.position for recorded in page])
    await log.reader.load(STREAM)


@pytest.mark.parametrize("table", ["events", "bodies", "streams", "events_version"])
async def test_a_damaged_page_is_told(made: Location, opened: Opener, looked_into: Looking, table: str) -> None:
    """The log opens, reading stops with an error of ours, and verification reports it."""
    await damage(made, opened, table)

    async with looked_into(made) as log:
        with pytest.raises(LogDamaged, match="restore the folder from a backup"):
            await read_everything(log)
        assert "malformed" in "; ".join(await problems(log))


async def test_a_damaged_page_of_snapshots_costs_time_alone(made: Location, opened: Opener) -> None:
    """The state is folded from the events; verification reports it."""
    await damage(made, opened, "snapshots")

    async with opened(made) as log:
        await read_everything(log)
        assert (await log.reader.load(STREAM)).state.version == MESSAGES
        wrong = await problems(log)
        assert "The table of snapshots can't be checked to the end: database disk image is malformed" in wrong


async def test_appending_to_a_damaged_page_is_refused(
    made: Location, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an error of ours, and neighbours of whole pages are not harmed. A start would notice: this comes later."""
    await damage(made, opened, "streams")
    with pytest.raises(LogDamaged, match="The end of the log"):
        async with opened(made):
            pass
    monkeypatch.setattr(opening, "check", lambda *_: None)

    async with opened(made) as log:
        with pytest.raises(LogDamaged):
            await log.append(STREAM, [said(MESSAGES)])
        await log._writer.write(lambda connection: connection.execute("INSERT INTO meta VALUES ('a', x'')"))


async def test_a_text_that_damage_made_none_is_an_event_that_can_not_be_read(
    made: Location, looked_into: Looking
) -> None:
    """Not every damage breaks a page's structure. What lies beside it is read as ever; verification reports it."""
    whole = made.database.read_bytes()
    data = f'{{"message_id":{MESSAGES // 2},'.encode()
    assert whole.count(data) == 1
    made.database.write_bytes(whole.replace(data, b"\xff" * len(data)))

    async with looked_into(made) as log:
        await read_everything(log)
        assert (await log.reader.load(STREAM)).state.unreadable == 1
        assert log.reader.quarantine.events.positions == {MESSAGES // 2 + 1}
        wrong = [finding async for progress in verify(log.reader, STREAM) for finding in progress.findings]
    assert {finding.version for finding in wrong} == {MESSAGES // 2 + 1}
    assert "its hash does not fit" in wrong[0].problem


async def test_a_snapshot_that_damage_made_no_text_is_ignored(made: Location, opened: Opener) -> None:
    """As every other broken snapshot."""
    async with opened(made) as log:
        await log.save_snapshot(STREAM, (await log.reader.load(STREAM)).state)
    whole = made.database.read_bytes()
    assert whole.count(b'{"version":300') == 1
    made.database.write_bytes(whole.replace(b'{"version":300', b"\xff" * 14))

    async with opened(made) as log:
        loaded = await log.reader.load(STREAM)
        assert (loaded.state.version, loaded.snapshot_version) == (MESSAGES, 0)
