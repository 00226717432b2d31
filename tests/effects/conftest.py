"""A log, a shop, and a Discord, each opened for one test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app.bot import clock as wall_clock
from bot.effects import lanes
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.gateway.current import CurrentClient
from bot.sandbox.server import Sandbox
from tests.effects.making import Shop, connected, open_shop


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pauses between attempts be short."""
    monkeypatch.setattr(lanes, "LONGEST_PAUSE", 0.01)


@pytest.fixture
def location(tmp_path: Path) -> Location:
    """Return a place for a log."""
    return Location(tmp_path / "log")


@pytest.fixture
async def log(location: Location) -> AsyncIterator[EventLog]:
    """Return an empty log."""
    log = await open_log(location, clock=wall_clock, full=False)
    yield log
    await log.close()


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """Return a shop on loopback."""
    async with open_shop() as shop:
        yield shop


@pytest.fixture
async def current(sandbox: Sandbox) -> AsyncIterator[CurrentClient]:
    """Return a client of the sandbox's Discord."""
    async with connected(sandbox.services.addresses.api, sandbox.services.application.token) as current:
        yield current
