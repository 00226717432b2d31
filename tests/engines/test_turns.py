"""Turns among processes: one after the other, by the engine's order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from bot.eventlog.remote.port import NOTHING, Partition
from bot.eventlog.remote.turns import _FACTS, Turns
from tests.engines.conftest import Made
from tests.engines.views import Away

SECONDS = 0.3


@pytest.fixture
def turns(made: Made) -> Callable[..., Turns]:
    """Return what makes the turns of a process; its clock since the epoch may be wrong."""

    def turns(ahead: float = 0.0, through: Callable[[Partition], Partition] = lambda each: each) -> Turns:
        return Turns(through(made()), SECONDS, time.monotonic, lambda: time.time() + ahead)

    return turns


async def test_no_two_processes_have_a_turn_at_once(turns: Callable[..., Turns], made: Made) -> None:
    """Whoever was not the quickest waits, however slow the machine is; who comes anew begins at the newest turn."""
    twice = turns()
    await asyncio.gather(*(each.take() for each in (turns(), twice, twice)))
    await turns().take()

    partition = made()
    taken = [_FACTS.unpack(entry.facts)[-1] async for entry in partition.read(0, NOTHING, "")]
    await partition.close()
    assert len(taken) == 4
    assert all(later - earlier > SECONDS * 0.9 for earlier, later in pairwise(taken))


async def test_a_wrong_clock_lets_nobody_wait_for_ever(turns: Callable[..., Turns]) -> None:
    """A turn that seems to come from the future is taken as one of now."""
    await turns(ahead=1e6).take()
    async with asyncio.timeout(30):
        await turns(ahead=-1e6).take()


async def test_without_the_engine_everybody_has_a_turn(turns: Callable[..., Turns]) -> None:
    """Discord itself refuses what comes too early."""

    def away(each: Partition) -> Partition:
        made = Away(each)
        made.away = True
        return made

    await turns(through=away).take()
