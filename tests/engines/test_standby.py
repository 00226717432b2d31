"""A standby follows a log and goes on when its owner ends: at once when it leaves, after a while when it is silent."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.errors import LogFenced
from bot.eventlog.log import EventLog
from bot.eventlog.remote import owning
from bot.eventlog.remote.port import Partition
from tests.engines.conftest import LONG, SHORT, Opener
from tests.engines.views import Away, Seen, check, said
from tests.waiting import eventually

CHANNEL = "channel:1"

Standing = Callable[..., "asyncio.Task[EventLog]"]


@pytest.fixture
async def standing(opened: Opener) -> AsyncIterator[Standing]:
    """Return what starts a standby on a folder: a task that ends with the log, once the log is its own."""
    async with AsyncExitStack() as stack:
        tasks: list[asyncio.Task[EventLog]] = []

        def start(
            name: str, takeover: float = LONG, through: Callable[[Partition], Partition] = lambda each: each
        ) -> asyncio.Task[EventLog]:
            log = opened(name, standby=True, takeover=takeover, through=through)
            tasks.append(asyncio.create_task(stack.enter_async_context(log)))
            return tasks[-1]

        yield start
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def positions(tmp_path: Path) -> Callable[[str], int]:
    """Return what tells how far a folder shows the log."""

    def positions(name: str) -> int:
        path = tmp_path / name / "events.db"
        if not path.exists():
            return 0
        with closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()[0])

    return positions


async def test_it_follows_and_goes_on_when_the_owner_leaves(
    opened: Opener, standing: Standing, positions: Callable[[str], int]
) -> None:
    """What the owner records is in its folder soon, and nothing is lost or made twice."""
    async with opened("owner", takeover=SHORT) as owner:
        standby = standing("standby")
        for number in range(1, 4):
            await owner.append(CHANNEL, [said(number)])
            await eventually(lambda: positions("standby") == number)  # noqa: B023 - asked within the loop
        assert not standby.done()
    log = await standby
    assert (await log.append(CHANNEL, [said(3)])).known
    assert (await log.append(CHANNEL, [said(4)])).new[0].position == 4
    await check(log)


async def test_it_takes_the_log_from_an_owner_that_can_not_be_heard(opened: Opener, standing: Standing) -> None:
    """Which sends nothing by then, and is told as soon as it can be."""
    engine = Seen(Away)
    async with opened("owner", through=engine, takeover=SHORT) as owner:
        await owner.append(CHANNEL, [said(1)])
        with capture_logs() as lines:
            standby = standing("standby", SHORT)
            engine.one.away = True
            log = await standby
            await eventually(lambda: {"log.mute", "log.claimed"} <= {line["event"] for line in lines})
        assert not owner.is_owner()
        assert (await log.append(CHANNEL, [said(2)])).new[0].position == 2
        engine.one.away = False
        with pytest.raises(LogFenced):
            await owner.append(CHANNEL, [said(3)])
        assert log.is_owner()


async def test_one_of_many_takes_the_log(opened: Opener, standing: Standing) -> None:
    """The others follow that one."""
    async with opened("owner", takeover=SHORT) as owner:
        await owner.append(CHANNEL, [said(1)])
        standbys = [standing(f"standby-{number}") for number in range(3)]
        await asyncio.sleep(0)
    done, waiting = await asyncio.wait(standbys, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == 1
    log = done.pop().result()
    for number in range(2, 12):
        await log.append(CHANNEL, [said(number)])
        await asyncio.sleep(0.05)
    assert log.is_owner()
    assert not any(task.done() for task in waiting)


async def test_an_engine_that_was_away_makes_no_owner_dead(
    opened: Opener, standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A standby that can't hear it goes on standing, and judges anew when it can."""
    monkeypatch.setattr(owning, "PAUSE", 0.01)
    engine = Seen(Away)
    async with opened("owner", takeover=SHORT) as owner:
        await owner.append(CHANNEL, [said(1)])
        standby = standing("standby", through=engine)
        await eventually(lambda: hasattr(engine, "one"))
        engine.one.away = True
        await eventually(lambda: engine.one.refused > 3)
        engine.one.away = False
        assert not standby.done()
    assert (await (await standby).append(CHANNEL, [said(1)])).known


async def test_it_can_be_stopped_while_it_waits(opened: Opener, standing: Standing) -> None:
    """And started again: its folder is whole."""
    async with opened("owner", takeover=SHORT) as owner:
        await owner.append(CHANNEL, [said(1)])
        standby = standing("standby")
        await asyncio.sleep(0.1)
        standby.cancel()
        await asyncio.wait((standby,))
        await owner.append(CHANNEL, [said(2)])
    async with opened("standby") as log:
        assert await log.reader.head(CHANNEL) == 2
