"""Two batches with the writing thread: the second builds on the first, and is worth nothing without it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import Self

import pytest

from bot.core import events as e
from bot.errors import LogUnwritable
from bot.eventlog.batch import Append, Appended
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query
from bot.eventlog.verify import verify
from bot.sandbox.child_process import tethered

pytestmark = pytest.mark.sqlite_only("two batches with the writing thread: an engine gets one at a time")

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]
Ends = Callable[[sqlite3.Connection], None]
Appending = asyncio.Future[list[Appended]]

CALLERS, FIRST = 80, 3
"""So many callers that a part of them is queued while others are written, and how many are in the first batch."""

APPENDER = Path(__file__).with_name("appender.py")
ROOT = Path(__file__).parents[2]


def said(message_id: int) -> e.Draft:
    """Somebody posts a message."""
    event = e.MessageReceived(message_id=message_id, author_id=7, sent_at=1)
    return e.Draft(event, e.Body(parts=("hello",)), subject_id=7)


def stream(number: int) -> str:
    """Name a channel's stream."""
    return f"channel:{number}"


def append(log: EventLog, caller: int, version: int) -> Appending:
    """Append to the caller's own stream, which has to be at ``version``."""
    return log._writer.append(Append(stream(caller), [[said(caller * 1000 + version)]], version))


def versions(appending: list[Appending]) -> set[int]:
    """Return the versions that were appended."""
    return {one.new[0].version for future in appending for one in future.result()}


async def check(log: EventLog, events: int) -> None:
    """Hold a log to so many events, positions without gaps, and its chains."""
    positions = [recorded.position async for recorded in log.reader.events(Query())]
    assert positions == list(range(1, events + 1))
    progress = [progress async for progress in verify(log.reader)]
    assert [finding for one in progress for finding in one.findings] == []


def nothing(_connection: sqlite3.Connection) -> None:
    """Let the commit go well."""


def fills_the_disk(connection: sqlite3.Connection) -> None:
    """Fail as a full disk does."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0] + 40
    connection.execute(f"PRAGMA max_page_count = {pages}")
    connection.execute("INSERT INTO meta VALUES ('ballast', zeroblob(1000000))")


def breaks(_connection: sqlite3.Connection) -> None:
    """Fail with a fault of the program."""
    raise ZeroDivisionError


class InFlight:
    """Two batches with the thread for the length of a ``with`` block: the first waits, then it ``ends`` somehow.

    ``first`` are the callers of the first batch besides the one that makes it wait, ``second`` those of the second,
    ``third`` those that come when both are with the thread. ``also`` is one more request of the second.
    """

    def __init__(self, log: EventLog, ends: Ends = nothing, *, also: Append | None = None) -> None:
        self.first: list[Appending] = []
        self.second: list[Appending] = []
        self.third: list[Appending] = []
        self.also: Appending | None = None
        self._log = log
        self._ends = ends
        self._request = also
        self._loop = asyncio.get_running_loop()
        self._entered = asyncio.Event()
        self.leave = threading.Event()

    async def __aenter__(self) -> Self:
        await asyncio.gather(*(append(self._log, caller, 0) for caller in range(CALLERS)))
        self.first = [append(self._log, caller, 1) for caller in range(FIRST)]
        self.holding = self._log._writer.write(self._hold)
        await self._entered.wait()
        self.also = self._log._writer.append(self._request) if self._request else None
        callers = iter(range(FIRST, CALLERS))
        while len(self._log._writer._flying) < 2:
            self.second.append(append(self._log, next(callers), 1))
        self.third = [append(self._log, caller, 1) for caller in callers]
        assert self.third
        assert self._log.depth == len(self.second) + len(self.third) + (self.also is not None)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.leave.set()
        await asyncio.gather(self.holding, *self.everyone, return_exceptions=True)

    @property
    def everyone(self) -> list[Appending]:
        """Return what was asked for, in order."""
        return [*self.first, *self.second, *self.third]

    def _hold(self, connection: sqlite3.Connection) -> None:
        self._loop.call_soon_threadsafe(self._entered.set)
        assert self.leave.wait(10)
        self._ends(connection)


async def test_both_are_written_in_their_order(log: EventLog) -> None:
    """The answers come in the order of the requests, and nothing is left waiting."""
    answered: list[Appending] = []
    async with InFlight(log) as flight:
        for future in flight.everyone:
            future.add_done_callback(answered.append)

    assert answered == flight.everyone
    positions = [future.result()[0].new[0].position for future in answered]
    assert positions == list(range(CALLERS + 1, 2 * CALLERS + 1))
    assert (log.depth, len(log._writer._flying)) == (0, 0)
    await check(log, 2 * CALLERS)


async def test_the_thread_writes_nothing_after_a_failure(log: EventLog, location: Location) -> None:
    """Not even while the loop is busy and has not heard of it: the database would take the rows, with a gap."""
    async with InFlight(log, breaks) as flight:
        through = threading.Event()
        log._writer.connection.submit(lambda _: through.set())
        flight.leave.set()
        # Nothing else runs on the loop until the thread has had its turn with both batches.
        assert through.wait(10)
        with closing(sqlite3.connect(location.database)) as other:
            assert other.execute("SELECT count(*), max(position) FROM events").fetchone() == (CALLERS, CALLERS)

    assert isinstance(flight.holding.exception(), ZeroDivisionError)
    assert versions(flight.everyone) == {2}
    await check(log, 2 * CALLERS)


async def test_a_full_disk_is_told_to_the_first_alone(log: EventLog) -> None:
    """The second is tried again, and has room."""
    async with InFlight(log, fills_the_disk) as flight:
        pass

    assert {type(future.exception()) for future in flight.first} == {LogUnwritable}
    assert versions([*flight.second, *flight.third]) == {2}
    await check(log, 2 * CALLERS - FIRST)
    await append(log, 0, 1)
    await check(log, 2 * CALLERS - FIRST + 1)


async def test_a_locked_database_is_told_to_both(log: EventLog, location: Location) -> None:
    """With the lock gone, the same appends succeed."""
    await log._writer.connection.run(lambda connection: connection.execute("PRAGMA busy_timeout = 20").fetchone())
    async with InFlight(log):
        pass
    with closing(sqlite3.connect(location.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        appending = [append(log, caller, 2) for caller in range(CALLERS)]
        assert len(log._writer._flying) == 2
        outcomes = await asyncio.gather(*appending, return_exceptions=True)
        other.execute("ROLLBACK")

    assert {type(outcome) for outcome in outcomes} == {LogUnwritable}
    await check(log, 2 * CALLERS)
    await asyncio.gather(*(append(log, caller, 2) for caller in range(CALLERS)))
    await check(log, 3 * CALLERS)


async def test_a_repeated_key_in_the_second_is_known_and_the_third_is_written(log: EventLog) -> None:
    """The database refuses the second batch; both are made again, the second after a look into the log."""
    again = Append(stream(0), [[said(0)]], None)
    async with InFlight(log, also=again) as flight:
        pass

    assert flight.also is not None
    assert [one.known[0].position for one in flight.also.result()] == [1]
    assert versions(flight.everyone) == {2}
    await check(log, 2 * CALLERS)


async def test_closing_writes_both_and_what_waits(location: Location, opened: Opener) -> None:
    """Whoever appended before the end is answered."""
    other = Location(location.folder.with_name("other"))
    async with opened(other) as log, InFlight(log) as flight:
        closing_ = asyncio.create_task(log.close())
        await asyncio.sleep(0)
        flight.leave.set()
        await closing_
        assert versions(flight.everyone) == {2}
    async with opened(other) as log:
        await check(log, 2 * CALLERS)


@pytest.mark.parametrize("number", [1, 2, 7])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_kill_with_two_in_flight_loses_nothing(
    location: Location, opened: Opener, when: str, number: int
) -> None:
    """Before the first is committed, or right after it, when its callers were not told yet."""
    command = tethered(sys.executable, str(APPENDER), str(location.folder), "40", str(number), when)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=100)
    lines = [line.split() for line in killed.stdout.splitlines()[1:]]
    acknowledged = {(name, int(version), int(position)) for name, version, position in lines}

    async with opened(location) as log:
        everything = [recorded async for recorded in log.reader.events(Query())]
        assert acknowledged <= {(recorded.stream, recorded.version, recorded.position) for recorded in everything}
        assert when == "before" or len(everything) > len(acknowledged)
        await check(log, len(everything))
        await log.append(stream(0), [said(10**9)], expected_version=await log.reader.head(stream(0)))
        await check(log, len(everything) + 1)
