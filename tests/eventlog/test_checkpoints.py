"""The write-ahead log stays small while events pour in, and trouble with it is nobody's but its own."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.core import events as e
from bot.errors import LogUnwritable
from bot.eventlog import checkpoints, database
from bot.eventlog.database import PAGE_SIZE, Connection
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.wal import wal_length
from tests.waiting import PATIENCE

COMMITS, ROUNDS = 400, 10


async def append(log: EventLog, count: int) -> None:
    """Append so many events more, each in a commit of its own."""
    for number in range(count):
        ended = e.BotStopped(reason=str(number))
        await log.append("bot", [e.Draft(ended, e.Body(parts=("hello",)))])


def write_ahead_log(location: Location) -> Path:
    """Return the file."""
    return location.database.with_name("events.db-wal")


async def test_the_write_ahead_log_begins_anew(
    log: EventLog, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its size follows the pages between two checkpoints, not what was ever written."""
    copied: list[None] = []
    copy_pages = checkpoints._copy_pages

    def copying(connection: sqlite3.Connection) -> None:
        copy_pages(connection)
        copied.append(None)

    monkeypatch.setattr(checkpoints, "EVERY", 100)
    monkeypatch.setattr(checkpoints, "_copy_pages", copying)
    await append(log, 40)
    after_few = write_ahead_log(location).stat().st_size

    for _ in range(ROUNDS):
        before = len(copied)
        await append(log, COMMITS // ROUNDS)
        # More commits than that may come while a checkpoint waits for a busy disk, and then too few for the next one.
        async with asyncio.timeout(PATIENCE):
            while len(copied) < before + 2:
                await append(log, 1)
                await log._checkpointer._aside.run(lambda _connection: None)  # behind a copy that is under way

    assert write_ahead_log(location).stat().st_size < 8 * after_few
    assert (await log.reader.stats()).events >= 40 + COMMITS


async def test_a_checkpoint_that_fails_harms_nobody(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages are safe in the write-ahead log; the next one tries again."""
    tries: list[str] = []

    def fails(_connection: sqlite3.Connection) -> None:
        tries.append("tried")
        raise LogUnwritable("The log can't grow: the disk is full.")

    monkeypatch.setattr(checkpoints, "EVERY", 50)
    monkeypatch.setattr(checkpoints, "_copy_pages", fails)
    appended = 0
    async with asyncio.timeout(PATIENCE):
        while len(tries) < 2 or appended < 60:
            await append(log, 10)
            appended += 10

    assert (await log.reader.stats()).events == appended


@pytest.mark.sqlite_only("opening a view writes to it")
async def test_the_pages_are_counted_as_the_database_counts_them(log: EventLog, location: Location) -> None:
    """Also where the file holds more, of an earlier round; and in one that nobody has written yet."""
    counts = [wal_length(location.database)]
    for commits in (30, 20, 40, 1):
        await append(log, commits)
        counts.append(wal_length(location.database))
        copied: tuple[int, int, int] = await log._writer.connection.run(
            lambda connection: connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        )
        assert copied == (0, counts[-1], counts[-1])
        assert counts[-1] > commits

    assert counts[0] == 0
    assert counts[-1] < 20
    assert write_ahead_log(location).stat().st_size > 40 * PAGE_SIZE


async def test_whoever_gives_up_opening_leaves_nothing_open(
    location: Location, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that fails half-way through its opening can be opened again at once."""
    await log.close()
    closed: list[Connection] = []
    close = Connection.close

    async def counted(connection: Connection) -> None:
        closed.append(connection)
        await close(connection)

    async def refuses(_path: Path) -> Connection:
        raise LogUnwritable("The log can't be opened.")

    monkeypatch.setattr(Connection, "close", counted)
    monkeypatch.setattr("bot.eventlog.log.database.connect_reader", refuses)
    with pytest.raises(LogUnwritable):
        await open_log(location, clock=lambda: 1)

    assert len(closed) == 2


async def test_whoever_reads_for_long_is_told_of_and_the_file_becomes_small_again(
    location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, however long that takes: a program that never ends its transaction would fill the disk."""
    monkeypatch.setattr(checkpoints, "EVERY", 50)
    monkeypatch.setattr(checkpoints, "HELD", 400)
    monkeypatch.setattr(database, "WAL_BYTES", 200 * PAGE_SIZE)
    log = await open_log(location, clock=lambda: 1)
    with closing(sqlite3.connect(location.database, isolation_level=None)) as foreign, capture_logs() as lines:
        await append(log, 10)
        foreign.execute("BEGIN")
        foreign.execute("SELECT count(*) FROM events").fetchone()
        async with asyncio.timeout(PATIENCE):
            while wal_length(location.database) < 800:
                await append(log, 20)
        grown = write_ahead_log(location).stat().st_size
        foreign.execute("ROLLBACK")
        async with asyncio.timeout(PATIENCE):
            while wal_length(location.database) >= 200:
                await append(log, 20)
    await log.close()

    [line] = [line for line in lines if line["event"] == "log.held"]
    assert str(location.database) in line["hint"]
    assert line["log_level"] == "warning"
    assert grown >= 800 * PAGE_SIZE
    assert not write_ahead_log(location).exists()


async def test_the_file_of_the_write_ahead_log_is_cut(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    """At its next beginning, after somebody had read for long."""
    monkeypatch.setattr(database, "WAL_BYTES", 50 * PAGE_SIZE)
    log = await open_log(location, clock=lambda: 1)
    await append(log, 60)
    grown = write_ahead_log(location).stat().st_size
    await log._writer.connection.run(lambda raw: raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone())
    await append(log, 1)
    cut = write_ahead_log(location).stat().st_size
    await log.close()

    assert grown > 100 * PAGE_SIZE
    assert cut < 60 * PAGE_SIZE
