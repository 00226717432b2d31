"""Logs in real files, opened and closed again whatever a test does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log, open_reader
from bot.eventlog.reader import Reader

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]


@dataclass(frozen=True, slots=True)
class LookedInto:
    """A log that is only read: an owner would refuse one whose end is wrong."""

    reader: Reader


Looking = Callable[[Location], AbstractAsyncContextManager[LookedInto]]


@pytest.fixture
def clock() -> Callable[[], int]:
    """Return a clock that moves on by a second whenever it is read."""
    seconds: Iterator[int] = count(1_700_000_000)
    return lambda: next(seconds) * 1_000_000


@pytest.fixture
def location(tmp_path: Path) -> Location:
    """Return a place for a log, where there is none yet."""
    return Location(tmp_path / "log")


@pytest.fixture
def opened(clock: Callable[[], int]) -> Opener:
    """Return what opens a log for the length of a ``with`` block."""

    @asynccontextmanager
    async def opened(location: Location) -> AsyncIterator[EventLog]:
        log = await open_log(location, clock=clock, full=False)
        try:
            yield log
        finally:
            await log.close()

    return opened


@pytest.fixture
async def log(location: Location, opened: Opener) -> AsyncIterator[EventLog]:
    """Return an empty log."""
    async with opened(location) as log:
        yield log


@pytest.fixture
def looked_into() -> Looking:
    """Return what opens a log for reading for the length of a ``with`` block."""

    @asynccontextmanager
    async def looked_into(location: Location) -> AsyncIterator[LookedInto]:
        reader = await open_reader(location)
        try:
            yield LookedInto(reader)
        finally:
            await reader.close()

    return looked_into
