from __future__ import annotations

import asyncio

import pytest

from tests.crashpoints.lives import Place
from tests.crashpoints.nursery import nursery
from tests.crashpoints.wrapped import Result, Run, play

SLICE = [
    ("tickets", Place(0, "request", 8, "after")),
    ("tickets", Place(0, "request", 12, "after")),
    ("moderation", Place(0, "request", 7, "after")),
    ("levels", Place(0, "request", 6, "after")),
]
"""A few of all places, which ``make wrapped`` tries: around the first thread, greeting, warning and congratulation."""
GREETING = Place(0, "request", 5, "after")
"""Where a ticket bot without the log dies over the thread that it has just started."""


@pytest.mark.long
@pytest.mark.crashpoints
async def test_a_kill_costs_and_doubles_nothing_with_the_log() -> None:
    """Killed by SIGKILL and started again, with a Discord that forgets nonces, each has done all of it once.

    Without the log a ticket is lost: so the judge sees it.
    """
    async with nursery() as children:
        slots = asyncio.Semaphore(2)

        async def run(name: str, place: Place, *, plain: bool = False) -> Result:
            async with slots:
                return await play(children, Run(name, (place,), nonce_window=0, plain=plain))

        runs = [run(*each) for each in SLICE]
        *results, without = await asyncio.gather(*runs, run("tickets", GREETING, plain=True))

    assert {result.name: result.outcome for result in results if result.failed} == {}
    assert [result.kills for result in (*results, without)] == [1] * (len(SLICE) + 1)
    assert without.outcome.lost > 0
