"""An older release's log is brought up to date: whole or not at all, and nothing of it is lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from bot.core import events as e
from bot.errors import LogDamaged, LogUnwritable
from bot.eventlog import database, opening
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log, open_reader
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.eventlog.sqlite_errors import translated
from bot.eventlog.verify import verify
from bot.sandbox.child_process import tethered
from tests.eventlog.old_log import SPLIT, contents, make_older

pytestmark = pytest.mark.sqlite_only("only a log in its folder has the forms of older releases")

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

MIGRATING = Path(__file__).with_name("migrating.py")
ROOT = Path(__file__).parents[2]
STREAMS, MESSAGES = 3, 20
EVENTS = 2 * STREAMS * MESSAGES + 1
DONE = 2
"""The stream without work left."""


@pytest.fixture
async def made(location: Location, opened: Opener) -> Location:
    """Return a log of today with streams that take turns, words of any length, one deleted, a snapshot, open work."""
    async with opened(location) as log:
        for number in range(MESSAGES):
            for stream in range(STREAMS):
                received = e.MessageReceived(message_id=number, author_id=stream, sent_at=1)
                body = e.Body(name="Ada", parts=("hello " * 4 ** (number % 8),))
                asked = e.ReplyRequested(message_id=number, author_id=stream, responder="rules", call=e.Call.DM)
                skipped = e.MessageSkipped(message_id=number, reason=e.SkipReason.NO_ANSWER)
                drafts = [e.Draft(received, body, subject_id=stream), e.Draft(skipped if stream == DONE else asked)]
                await log.append(f"channel:{stream}", drafts)
            if number == 0:
                await log.append(f"channel:{DONE}", [e.Draft(e.MessageDeleted(message_id=0))])
        await log.save_snapshot("channel:1", (await log.reader.load("channel:1", upto=30)).state)
    return location


async def findings(reader: Reader) -> list[str]:
    """Verify a log."""
    progress = [progress async for progress in verify(reader)]
    assert sum(one.events for one in progress) in {EVENTS, EVENTS + 1}
    return [str(finding) for one in progress for finding in one.findings]


@pytest.mark.parametrize("schema", range(1, SPLIT + 1))
async def test_nothing_is_lost(made: Location, opened: Opener, schema: int) -> None:
    """Every row is where it was, and the log goes on."""
    make_older(made.database, schema)
    before = contents(made.database)
    size = made.database.stat().st_size
    told: list[int] = []

    log = await open_log(made, clock=lambda: 1, on_migration=told.append)
    try:
        assert contents(made.database) == before
        assert told == [size]
        assert await findings(log.reader) == []
        assert await log.reader.unfinished() == ["channel:0", "channel:1"]
        assert (await log.reader.load("channel:1", upto=30)).snapshot_version == 30
        assert len(await log.reader.bodies(range(EVENTS + 1))) == STREAMS * MESSAGES - 1
        repeated = e.MessageReceived(message_id=0, author_id=1, sent_at=1)
        assert (await log.append("channel:1", [e.Draft(repeated)])).known[0].version == 1
        (last,) = (await log.append("channel:1", [e.Draft(e.RepliesPaused(by="me"))])).new
        assert (last.position, last.version) == (EVENTS + 1, 2 * MESSAGES + 1)
        assert await findings(log.reader) == []
    finally:
        await log.close()
    async with opened(made) as log:
        assert await findings(log.reader) == []


async def test_a_log_of_today_is_not_migrated(made: Location) -> None:
    """And nobody is told of it."""
    told: list[int] = []
    log = await open_log(made, clock=lambda: 1, on_migration=told.append)
    await log.close()

    assert told == []


@pytest.mark.parametrize("schema", range(1, SPLIT + 1))
async def test_an_older_log_is_read_as_it_is(made: Location, schema: int) -> None:
    """Reading changes nothing: a backup can be looked at."""
    make_older(made.database, schema)
    before = made.database.read_bytes()

    reader = await open_reader(made)
    try:
        assert await findings(reader) == []
        assert len(await reader.bodies(range(EVENTS + 1))) == STREAMS * MESSAGES - 1
        assert (await reader.stats()).bodies == STREAMS * MESSAGES - 1
        assert await reader.newest_words([1, 2]) == {1: EVENTS - 3, 2: EVENTS - 1}
        assert len([recorded async for recorded in reader.events(Query())]) == EVENTS
    finally:
        await reader.close()
    assert made.database.read_bytes() == before


async def test_a_tail_that_was_cut_before_is_found_afterwards(
    made: Location, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream's head is not made anew from what is left of it. A start would notice before it migrates."""
    make_older(made.database, SPLIT)
    with closing(sqlite3.connect(made.database)) as connection, connection:
        connection.execute("DROP TRIGGER events_refuse_delete")
        connection.execute("DELETE FROM events WHERE position = ?", (EVENTS,))
    with pytest.raises(LogDamaged, match="stream 3 does not know its newest event"):
        async with opened(made):
            pass
    monkeypatch.setattr(opening, "check", lambda *_: None)

    async with opened(made) as log:
        progress = [progress async for progress in verify(log.reader)]
        (finding,) = [finding for one in progress for finding in one.findings]
    assert finding.stream == "channel:2"
    assert finding.problem == f"the stream ends at version {2 * MESSAGES}, its head says {2 * MESSAGES + 1}"


async def test_a_migration_gives_back_the_room_it_took(made: Location, opened: Opener) -> None:
    """The file ends as large as one that was never older, or smaller."""
    whole = made.database.stat().st_size
    make_older(made.database, SPLIT)
    async with opened(made) as log:
        free = await log._writer.connection.run(lambda raw: raw.execute("PRAGMA freelist_count").fetchone()[0])

    assert free == 0
    assert made.database.stat().st_size <= whole


async def test_a_disk_too_small_for_a_migration_leaves_the_older_log(made: Location, opened: Opener) -> None:
    """It says so, and the next start has another try."""
    make_older(made.database, SPLIT)
    before = contents(made.database)
    with closing(sqlite3.connect(made.database, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0] + 3}")
        with pytest.raises(LogUnwritable, match="disk is full"), translated():
            database.migrate(connection, now=1)

    assert contents(made.database) == before
    with closing(sqlite3.connect(made.database)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SPLIT,)
    async with opened(made) as log:
        assert await findings(log.reader) == []


@pytest.mark.long
@pytest.mark.parametrize("what", ["statements", "steps"])
async def test_a_kill_leaves_the_older_log_or_the_newer(made: Location, tmp_path: Path, what: str) -> None:
    """At every statement, and within those that take long."""
    make_older(made.database, SPLIT)
    before = contents(made.database)
    copies = tmp_path / "copies"
    command = tethered(sys.executable, str(MIGRATING), str(made.folder), str(copies), what)
    subprocess.run(command, check=True, timeout=100, env={**os.environ, "PYTHONPATH": str(ROOT)})
    schemas = []
    for copy in sorted(copies.iterdir()):
        place = Location(copy)
        with closing(sqlite3.connect(place.database)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            schemas.append(connection.execute("PRAGMA user_version").fetchone()[0])
        assert contents(place.database) == before
        log = await open_log(place, clock=lambda: 1)
        try:
            assert contents(place.database) == before
            await log.append("channel:1", [e.Draft(e.RepliesPaused(by="me"))])
            assert await findings(log.reader) == []
        finally:
            await log.close()

    assert len(schemas) > 10
    assert schemas == sorted(schemas)
    assert {SPLIT, len(database.migrations())} <= set(schemas)
