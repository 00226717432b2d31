"""How calls are made and timed: what percentiles leave out, and that a call which begins late counts as late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from benchmarks.compare.load import Load, callers, in_turn, scheduled, threads

WORK = [[f"{caller}{number}" for number in range(20)] for caller in "abc"]


def test_percentiles_leave_each_callers_beginning_out() -> None:
    """A tenth of its calls, one at least; the rate counts all."""
    load = Load(2.0, (tuple(range(20)), (7.0, 8.0)))

    assert load.milliseconds == [*range(2, 20), 8.0]
    assert load.rate == 11


@pytest.mark.parametrize("way", [in_turn, threads])
def test_every_call_of_every_caller_is_made_and_timed(way: Callable[..., Load]) -> None:
    """Each caller's in their order, whichever way they are made."""
    made: list[str] = []
    load = way(WORK, made.append)

    assert [[item for item in made if item[0] == mine[0][0]] for mine in WORK] == WORK
    assert list(map(len, load.callers)) == [20, 20, 20]


async def test_callers_wait_for_their_answers() -> None:
    """A closed loop: no caller has two calls under way."""
    under_way: set[str] = set()

    async def call(item: str) -> None:
        assert item[0] not in under_way
        under_way.add(item[0])
        await asyncio.sleep(0)
        under_way.remove(item[0])

    assert list(map(len, (await callers(WORK, call)).callers)) == [20, 20, 20]


async def test_a_call_that_begins_late_counts_from_when_it_was_due() -> None:
    """The first one blocks for 50 ms. The next was due 1 ms after it: coordinated omission would hide that."""

    async def call(number: int) -> None:
        if number == 0:
            time.sleep(0.05)

    took = (await scheduled(range(3), call, rate=1000)).callers[0]

    assert took[0] >= 50
    assert took[1] >= 49
    assert took[2] >= 48


async def test_an_open_loop_does_not_wait_for_answers() -> None:
    """The last call answers all."""
    answered = asyncio.Event()

    async def call(number: int) -> None:
        if number == 2:
            answered.set()
        await answered.wait()

    assert len((await scheduled(range(3), call, rate=1000)).callers[0]) == 3
