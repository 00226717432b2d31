"""A log of SQLite goes into an engine: whole, once, and only where there is no other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.errors import LogError, LogForeign, LogIncomplete, LogLocked, LogUnwritable
from bot.eventlog import pushing, receipts
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.remote import appending
from bot.eventlog.remote.opening import Engine
from bot.eventlog.remote.port import Partition, Unsure
from tests.engines.conftest import LONG, SHORT, Made, Opener
from tests.engines.views import Between, asked, check, erased, given_up, said, shown_by

Clock = Callable[[], int]


class Ending(Between):
    """An engine that is away for good after some records."""

    records = 3

    async def append(self, seq: int, facts: bytes, words: bytes | None) -> str:
        """Append the first ones."""
        if seq > self.records:
            raise Unsure("ConnectionRefusedError")
        return await super().append(seq, facts, words)


@pytest.fixture
def plain(tmp_path: Path) -> Location:
    """Return the place of a log of SQLite, with the key of the views."""
    return Location(tmp_path / "plain", key_file=tmp_path / "vault.key")


@pytest.fixture
async def filled(plain: Location, clock: Clock) -> AsyncIterator[EventLog]:
    """Return a log of SQLite with all that a log holds; who pushes it closes it."""
    log = await open_log(plain, clock=clock, full=False)
    await asyncio.gather(
        *(log.append(f"channel:{each}", [said(each), asked(each), said(each + 100)]) for each in range(1, 500))
    )
    await log.append("channel:1", [given_up(1)])
    await log.finish("channel:1", 4)
    await log.append("channel:2", [erased((1, 3))])
    yield log
    await log.close()


async def pushed(plain: Location, partition: Partition, clock: Clock, takeover: float = LONG) -> int:
    """Push the log."""
    return await pushing.push(plain, Engine(partition, time.monotonic, takeover), clock=clock)


async def test_a_view_of_what_was_pushed_is_the_log(
    filled: EventLog, plain: Location, made: Made, opened: Opener, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, also where it took two tries; and it goes on from there."""
    monkeypatch.setattr(appending, "LONGEST_PAUSE", 0.001)
    await filled.close()
    with pytest.raises(LogUnwritable, match="ConnectionRefusedError"):
        await pushed(plain, Ending(made()), clock)
    assert await pushed(plain, made(), clock, SHORT) == 499 * 3 + 2 - 1000
    assert await pushed(plain, made(), clock) == 0

    before = shown_by(plain.database, "records", "erasing")
    async with opened("view") as log:
        assert before == shown_by(plain.database.parents[1] / "view/events.db", "records", "erasing")
        await check(log)
        assert (await log.append("channel:1", [said(1)])).known
        await log.append("channel:1", [said(5000)])
        assert await log.reader.head("channel:1") == 5
    with pytest.raises(LogIncomplete, match="it is the newer one"):
        await pushed(plain, made(), clock)


async def test_what_would_mix_two_logs_is_refused(
    filled: EventLog, plain: Location, made: Made, opened: Opener, clock: Clock, tmp_path: Path
) -> None:
    """Another log in the engine, a bot on the log, a view."""
    with pytest.raises(LogLocked):
        await pushed(plain, made(), clock)
    await filled.close()
    async with opened("view", takeover=SHORT):
        with pytest.raises(LogIncomplete, match="holds another log"):
            await pushed(plain, made(), clock)
    with pytest.raises(LogForeign, match="kept in an engine"):
        await pushed(Location(tmp_path / "view", key_file=plain.key_file), made(), clock)


async def test_a_log_that_was_not_closed_is_refused(
    filled: EventLog, plain: Location, made: Made, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner has to look at its end first. So it is with one of an older release."""
    await filled.close()
    monkeypatch.setattr(receipts, "settled", lambda _connection: False)
    with pytest.raises(LogError, match="start the bot once"):
        await pushed(plain, made(), clock)
