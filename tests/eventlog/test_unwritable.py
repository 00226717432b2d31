"""A disk that is full or locked: callers are told, nothing is lost, and it works again once there is room."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from pathlib import Path

import pytest

from bot.core import events as e
from bot.errors import LogDamaged, LogError, LogUnwritable
from bot.eventlog import database
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from bot.eventlog.sqlite_errors import translated
from bot.eventlog.verify import verify
from tests.waiting import PATIENCE

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]
Trouble = Callable[[EventLog, Location], AbstractAsyncContextManager[None]]

STREAM = "channel:1"
ROOT = Path(__file__).parents[2]


def said(message_id: int) -> e.Draft:
    """Somebody posts a message that needs new pages."""
    body = e.Body(parts=("hello " * 20_000,))
    return e.Draft(e.MessageReceived(message_id=message_id, author_id=7, sent_at=1), body, subject_id=7)


async def pragma(log: EventLog, text: str) -> int:
    """Set something on the writing connection, or ask it."""
    row = await log._writer.connection.run(lambda connection: connection.execute(f"PRAGMA {text}").fetchone())
    return int(row[0]) if row else 0


async def check(log: EventLog, versions: int) -> None:
    """Hold the stream to its versions, words and chain."""
    assert await log.reader.head(STREAM) == versions
    assert (await log.reader.stats()).events == versions
    assert len(await log.reader.bodies(range(1, 100))) == versions
    progress = [progress async for progress in verify(log.reader)]
    assert [finding for one in progress for finding in one.findings] == []


@contextmanager
def locked(location: Location, mode: str) -> Iterator[None]:
    """Hold a transaction of another program for the length of a ``with`` block."""
    with closing(sqlite3.connect(location.database, isolation_level=None)) as connection:
        connection.execute(f"BEGIN {mode}")
        yield
        connection.execute("ROLLBACK")


async def refused(log: EventLog, reason: str) -> None:
    """Hold everything that is asked for at once, and after it, to be refused for one reason."""
    outcomes = await asyncio.gather(
        log.append(STREAM, [said(2)], expected_version=1),
        log.append(STREAM, [said(3)]),
        log.append("channel:2", [said(2)]),
        log.probe(),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [LogUnwritable] * 4
    assert {str(outcome) for outcome in outcomes} == {reason}
    with pytest.raises(LogUnwritable):
        await log.append(STREAM, [said(4)])


async def test_a_full_disk_is_told_and_survived(log: EventLog) -> None:
    """Everybody who waits is told; with space again, the same appends succeed."""
    await log.append(STREAM, [said(1)])
    limit = await pragma(log, "max_page_count")
    await pragma(log, f"max_page_count = {await pragma(log, 'page_count')}")

    with pytest.raises(LogUnwritable, match=r"disk is full. Free some space"):
        await log.append(STREAM, [said(2)], expected_version=1)
    await check(log, 1)

    await pragma(log, f"max_page_count = {limit}")
    assert [one.version for one in (await log.append(STREAM, [said(2)], expected_version=1)).new] == [2]
    assert (await log.append(STREAM, [said(3)])).new[0].position == 3
    await check(log, 3)


async def test_a_full_disk_in_the_middle_of_a_batch_takes_all_of_it_back(log: EventLog) -> None:
    """An append that fitted is not half there: its caller was told that it is not."""
    await log.append(STREAM, [said(1)])
    await pragma(log, f"max_page_count = {await pragma(log, 'page_count') + 9}")
    outcomes = await asyncio.gather(
        *(log.append(STREAM, [said(message_id)]) for message_id in range(2, 7)), return_exceptions=True
    )
    acknowledged = sum(not isinstance(outcome, BaseException) for outcome in outcomes)

    assert acknowledged < len(outcomes)
    assert {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)} == {LogUnwritable}
    await check(log, 1 + acknowledged)


@pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
async def test_a_locked_database_is_told_and_survived(log: EventLog, location: Location, mode: str) -> None:
    """Readers read on; with the lock gone, the same appends succeed."""
    await log.append(STREAM, [said(1)])
    await pragma(log, "busy_timeout = 20")
    with locked(location, mode):
        await refused(log, "The log is locked by another program, such as a backup: let it finish.")
        await check(log, 1)

    await log.append(STREAM, [said(2)], expected_version=1)
    await check(log, 2)


async def test_a_short_lock_is_waited_for(log: EventLog, location: Location) -> None:
    """Nobody is told of what passes."""
    with locked(location, "IMMEDIATE"):
        appending = asyncio.create_task(log.append(STREAM, [said(1)]))
        await asyncio.sleep(0)
        while log.depth:  # noqa: ASYNC110 - the writer has no event for having begun
            await asyncio.sleep(0)
        assert not appending.done()

    assert len((await appending).new) == 1


async def test_a_file_that_became_read_only_is_told_and_survived(log: EventLog) -> None:
    """As a disk is after an error."""
    await log.append(STREAM, [said(1)])
    await pragma(log, "query_only = ON")
    await refused(log, "The log can't be written: the disk or the file is read-only. Make it writable.")

    await pragma(log, "query_only = OFF")
    await log.append(STREAM, [said(2)], expected_version=1)
    await check(log, 2)


async def test_a_start_on_a_locked_database_is_refused(
    location: Location, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the lock keeps even readers out."""
    async with opened(location) as log:
        await log.append(STREAM, [said(1)])
    monkeypatch.setattr(database, "BUSY_MILLISECONDS", 20)
    with closing(sqlite3.connect(location.database, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LogUnwritable, match="locked by another program"):
            async with opened(location):
                pass

    async with opened(location) as log:
        await check(log, 1)


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """On a file system of its own, in a process of its own: before the first start, in a run, before a later start."""
    unshare = shutil.which("unshare")
    alone = [unshare or "unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = 'mount -t tmpfs -o size=8m none "$0"'
    if unshare is None or subprocess.run([*alone, mount, tmp_path], check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")

    result = subprocess.run(
        [*alone, f'{mount} && exec "$@"', tmp_path, sys.executable, Path(__file__).with_name("full_disk.py"), tmp_path],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert (result.returncode, result.stderr) == (0, "")


CODES: dict[int, type[Exception]] = {
    sqlite3.SQLITE_CORRUPT: LogDamaged,
    sqlite3.SQLITE_CORRUPT_INDEX: LogDamaged,
    sqlite3.SQLITE_NOTADB: LogDamaged,
    sqlite3.SQLITE_FORMAT: LogDamaged,
    sqlite3.SQLITE_FULL: LogUnwritable,
    sqlite3.SQLITE_READONLY: LogUnwritable,
    sqlite3.SQLITE_READONLY_DBMOVED: LogUnwritable,
    sqlite3.SQLITE_IOERR: LogUnwritable,
    sqlite3.SQLITE_IOERR_FSYNC: LogUnwritable,
    sqlite3.SQLITE_CANTOPEN: LogUnwritable,
    sqlite3.SQLITE_BUSY: LogUnwritable,
    sqlite3.SQLITE_BUSY_SNAPSHOT: LogUnwritable,
    sqlite3.SQLITE_LOCKED: LogUnwritable,
    sqlite3.SQLITE_PERM: LogUnwritable,
    sqlite3.SQLITE_PROTOCOL: LogUnwritable,
    sqlite3.SQLITE_CONSTRAINT: sqlite3.OperationalError,
    sqlite3.SQLITE_ERROR: sqlite3.OperationalError,
}


@pytest.mark.parametrize(("code", "expected"), CODES.items())
def test_what_the_database_reports_becomes_ours(code: int, expected: type[Exception]) -> None:
    """Whatever a user can do something about; what only we can mend stays as it is."""
    error = sqlite3.OperationalError("reported")
    error.sqlite_errorcode = code

    with pytest.raises(expected) as caught, translated():
        raise error

    assert isinstance(caught.value, LogError) == (expected is not sqlite3.OperationalError)
    assert caught.value.__cause__ is (error if isinstance(caught.value, LogError) else None)
