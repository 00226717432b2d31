"""What waits together is committed together, and nobody suffers for a neighbour."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, closing
from typing import Any

import pytest

from bot.core import events as e
from bot.core.fold import fold
from bot.errors import LogError, VersionConflict
from bot.eventlog import writer
from bot.eventlog.batch import Appended, Work
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query
from bot.eventlog.verify import verify

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]


def said(message_id: int) -> e.Draft:
    """Somebody posts a message."""
    return e.Draft(
        e.MessageReceived(message_id=message_id, author_id=7, sent_at=1), e.Body(parts=("hello",)), subject_id=7
    )


def stream(number: int) -> str:
    """Name a channel's stream."""
    return f"channel:{number}"


class Busy:
    """Hold the writer in a transaction for the length of a ``with`` block, from when its turn comes."""

    def __init__(self, log: EventLog) -> None:
        self._loop = asyncio.get_running_loop()
        self._entered = asyncio.Event()
        self._left = threading.Event()
        self._task = log._writer.write(self._hold)

    async def __aenter__(self) -> None:
        await self._entered.wait()

    async def __aexit__(self, *exc: object) -> None:
        self._left.set()
        await self._task

    def _hold(self, connection: sqlite3.Connection) -> None:
        assert connection.in_transaction
        self._loop.call_soon_threadsafe(self._entered.set)
        assert self._left.wait(10)


async def together(log: EventLog, *requests: Awaitable[Any]) -> list[Any]:
    """Make requests while the writer is busy, so that they wait together; return what became of each."""
    async with Busy(log):
        tasks = [asyncio.ensure_future(request) for request in requests]
        await asyncio.sleep(0)
        assert log.depth == len(tasks)
    return await asyncio.gather(*tasks, return_exceptions=True)


async def written(log: EventLog, work: Work) -> object:
    """Have the writer do something of its own."""
    return await log._writer.write(work)


def neighbours(log: EventLog) -> list[Coroutine[Any, Any, Appended]]:
    """Append to five streams."""
    return [log.append(stream(number), [said(number)]) for number in range(5)]


@pytest.fixture
async def commits(log: EventLog) -> list[str]:
    """Return the list of commits of the log, which grows: of transactions, and of statements tried as one."""
    seen: list[str] = []
    newest = ""

    def watch(connection: sqlite3.Connection) -> None:
        def note(sql: str) -> None:
            nonlocal newest
            alone = sql.startswith("INSERT INTO") and not connection.in_transaction
            # A trigger is told of as the statement that fired it, once for each of its own.
            if sql == "COMMIT" or (alone and sql != newest):
                seen.append("COMMIT")
            newest = sql

        connection.set_trace_callback(note)

    await log._writer.connection.run(watch)
    return seen


@pytest.fixture(autouse=True)
async def whole(log: EventLog) -> AsyncIterator[None]:
    """Hold every log to its chain, positions without gaps, and one more append at the end."""
    yield
    if log._writer._closing:
        return
    last = (await log.append("bot", [e.Draft(e.BotStopped(reason="end"))])).new[0]
    everything = [recorded async for recorded in log.reader.events(Query())]
    assert [recorded.position for recorded in everything] == list(range(1, last.position + 1))
    progress = [progress async for progress in verify(log.reader)]
    assert [finding for one in progress for finding in one.findings] == []


async def test_what_waits_together_is_committed_once(log: EventLog, commits: list[str]) -> None:
    """A commit costs a sync of the disk, however many appends it carries."""
    appended = await asyncio.gather(*neighbours(log))

    assert commits == ["COMMIT"]
    assert [one.new[0].position for one in appended] == [1, 2, 3, 4, 5]


async def test_what_comes_during_a_commit_goes_into_the_next(log: EventLog, commits: list[str]) -> None:
    """Nobody waits for more than the commit under way and its own."""
    appended = await together(log, *neighbours(log))

    assert commits == ["COMMIT"] * 2
    assert [len(one.new) for one in appended] == [1] * 5
    assert log.depth == 0


async def test_a_stale_version_harms_no_neighbour(log: EventLog, commits: list[str]) -> None:
    """The conflict goes to the one caller, in the same commit."""
    stale, *others = await together(
        log, log.append(stream(2), [said(20), said(21)], expected_version=7), *neighbours(log)
    )

    assert isinstance(stale, VersionConflict)
    assert (stale.expected, stale.actual) == (7, 0)
    assert [len(one.new) for one in others] == [1] * 5
    assert commits == ["COMMIT"] * 2


@pytest.mark.sqlite_only("counts commits: with an engine, the one that is refused is none")
async def test_a_repeated_key_harms_no_neighbour(log: EventLog, commits: list[str]) -> None:
    """It is answered with what its neighbour has just recorded."""
    first, again, other = await together(
        log, log.append(stream(1), [said(1)]), log.append(stream(1), [said(1)]), log.append(stream(2), [said(1)])
    )

    assert again == Appended(known=first.new)
    assert len(other.new) == 1
    # The database refused the second, in which nothing had been looked up.
    assert commits == ["COMMIT"] * 3


async def test_one_of_two_with_the_same_version_wins(log: EventLog) -> None:
    """The one that came first."""
    first, *others = await together(
        log, *(log.append(stream(1), [said(number)], expected_version=0) for number in range(3))
    )

    assert len(first.new) == 1
    assert [(error.expected, error.actual) for error in others] == [(0, 1)] * 2


async def test_appends_that_build_on_each_other_share_a_commit(log: EventLog, commits: list[str]) -> None:
    """The version that a neighbour reaches in the same commit can be expected."""
    outcomes = await together(
        log, *(log.append(stream(1), [said(number)], expected_version=number) for number in range(4))
    )

    assert [one.new[0].version for one in outcomes] == [1, 2, 3, 4]
    assert commits == ["COMMIT"] * 2


def breaks(connection: sqlite3.Connection) -> None:
    """Write something, then fail."""
    connection.execute("INSERT INTO meta VALUES ('broken', x'')")
    raise ZeroDivisionError


def breaks_the_rules(connection: sqlite3.Connection) -> None:
    """Fail in the database."""
    connection.execute("DELETE FROM events")


@pytest.mark.parametrize(("work", "error"), [(breaks, ZeroDivisionError), (breaks_the_rules, sqlite3.IntegrityError)])
async def test_work_that_fails_harms_no_neighbour(
    log: EventLog, work: Callable[[sqlite3.Connection], None], error: type[Exception]
) -> None:
    """Its caller alone gets the error, and nothing of it stays."""
    await log.append(stream(1), [said(100)])
    before, failed, after = await together(
        log,
        log.append(stream(1), [said(1)], expected_version=1),
        written(log, work),
        log.append(stream(1), [said(2)], expected_version=2),
    )

    assert isinstance(failed, error)
    assert [one.version for one in (*before.new, *after.new)] == [2, 3]
    assert await log.reader.noted("broken") is None


@pytest.mark.parametrize(
    "drafts",
    [
        pytest.param([said(1), said(1)], id="a key twice in one unit"),
        pytest.param([said(1), said(2**63)], id="an id beyond 64 bits"),
    ],
)
async def test_an_append_that_fails_harms_no_neighbour(log: EventLog, drafts: list[e.Draft]) -> None:
    """Nothing of it stays, not even its first event."""
    failed, *others, stale = await together(
        log,
        log.append(stream(8), drafts),
        *neighbours(log),
        log.append(stream(3), [said(30)], expected_version=9),
    )

    assert isinstance(failed, Exception)
    assert [len(one.new) for one in others] == [1] * 5
    assert isinstance(stale, VersionConflict)
    assert stale.actual == 1
    assert await log.reader.head(stream(8)) == 0
    assert len((await log.append(stream(8), [said(1)], expected_version=0)).new) == 1


async def test_rows_that_stood_on_a_failed_commit_are_made_again(log: EventLog) -> None:
    """What came while a commit was under way reckoned with positions, versions and hashes that were never written."""
    await log.append(stream(1), [said(1)])
    async with Busy(log):
        repeated = asyncio.create_task(log.append(stream(1), [said(1)]))
        behind_it = asyncio.create_task(log.append(stream(1), [said(2)]))
        await asyncio.sleep(0)
        under_way = Busy(log)
        await asyncio.sleep(0)
    async with under_way:
        later = [asyncio.create_task(log.append(stream(1), [said(number)])) for number in (3, 1, 4)]
        await asyncio.sleep(0)

    assert (await repeated).known[0].position == 1
    assert [one.new[0].version for one in (await behind_it, await later[0], await later[2])] == [2, 3, 4]
    assert (await later[1]).known[0].position == 1


async def test_known_and_new_units_in_a_row(log: EventLog) -> None:
    """As a catch-up brings them: each append ends at the first one known, and the next goes on behind it."""
    await log.append_units(stream(1), [[said(number)] for number in range(0, 40, 2)])
    left, new, known = [[said(number)] for number in range(40)], 0, 0
    while left:
        appended = await log.append_units(stream(1), left)
        left = left[len(appended) :]
        new += sum(len(one.new) for one in appended)
        known += sum(len(one.known) for one in appended)

    assert (new, known) == (20, 20)


async def test_a_program_that_writes_beside_the_owner_is_noticed(log: EventLog, location: Location) -> None:
    """The lock keeps our own processes out; whoever gets past it takes no event away and makes none double."""
    await log.append(stream(1), [said(1)])
    with closing(sqlite3.connect(location.database, isolation_level=None)) as other:
        other.execute(
            "INSERT INTO events SELECT position + 1, stream_id, version + 1, type, v, recorded_at, key_kind, 9, "
            "key_part, correlation, causation, data, NULL, hash, NULL, NULL, NULL FROM events"
        )
    assert (await log.append(stream(2), [said(2)])).new[0].position == 3
    await log.close()


async def test_a_snapshot_rides_along(log: EventLog, commits: list[str]) -> None:
    """Snapshots and appends share a commit."""
    recorded = (await log.append(stream(1), [said(100)])).new
    await together(log, *neighbours(log), log.save_snapshot(stream(1), fold(recorded)))

    assert commits == ["COMMIT"] * 3
    assert (await log.reader.load(stream(1), upto=1)).snapshot_version == 1


async def test_a_caller_that_goes_away_while_it_waits_harms_nobody(log: EventLog) -> None:
    """Its events may be recorded or not; its neighbours are answered."""
    async with Busy(log):
        others = [asyncio.create_task(append) for append in neighbours(log)]
        leaving = asyncio.create_task(log.append(stream(10), [said(1)]))
        more = [asyncio.create_task(log.append(stream(11), [said(1)]))]
        await asyncio.sleep(0)
        leaving.cancel()

    assert [len(one.new) for one in await asyncio.gather(*others, *more)] == [1] * 6
    assert leaving.cancelled()


async def test_a_caller_that_goes_away_during_the_commit_harms_nobody(log: EventLog) -> None:
    """The writer goes on, and what was recorded stays."""
    async with Busy(log):
        leaving = asyncio.create_task(log.append(stream(10), [said(1)]))
        under_way = Busy(log)
        await asyncio.sleep(0)
    async with under_way:
        leaving.cancel()
        others = [asyncio.create_task(append) for append in neighbours(log)]
        await asyncio.sleep(0)

    assert [len(one.new) for one in await asyncio.gather(*others)] == [1] * 5
    assert (await log.append(stream(10), [said(1)])).known[0].version == 1


async def test_closing_writes_what_waits(location: Location, opened: Opener) -> None:
    """Whoever appended before the end is answered, and the events are there."""
    other = Location(location.folder.with_name("other"))
    async with opened(other) as log:
        waiting = [asyncio.create_task(log.append(stream(number), [said(number)])) for number in range(20)]
        await asyncio.sleep(0)
        await log.close()
        assert [len(task.result().new) for task in waiting] == [1] * 20
    async with opened(other) as log:
        assert (await log.reader.stats()).events == 20


async def test_what_comes_after_the_end_is_refused(log: EventLog) -> None:
    """While what waits is still written."""
    before = asyncio.create_task(log.append(stream(1), [said(1)]))
    await asyncio.sleep(0)
    closing = asyncio.create_task(log.close())
    await asyncio.sleep(0)

    with pytest.raises(LogError, match="closed"):
        await log.append(stream(1), [said(2)])
    await closing
    assert len((await before).new) == 1


async def test_many_streams_need_no_more_memory(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads that were forgotten are read again."""
    monkeypatch.setattr(writer, "HEADS", 2)
    for round_ in range(3):
        for number in range(4):
            await log.append(stream(number), [said(round_)], expected_version=round_)

    assert len(log._writer._ledger.heads) == 2
