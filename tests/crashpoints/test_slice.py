from __future__ import annotations

import asyncio

import pytest

from tests.crashpoints.harness import Run, attempted
from tests.crashpoints.lives import Place
from tests.crashpoints.nursery import nursery
from tests.crashpoints.scenario import Result

SLICE = [
    ("small", Place(0, "commit", 2, "before")),
    ("small", Place(0, "commit", 3, "after")),
    ("small", Place(0, "commit", 4, "before")),
    ("small", Place(0, "commit", 5, "after")),
    ("small", Place(0, "request", 4, "before")),
    ("small", Place(0, "request", 5, "after")),
    ("small", Place(0, "request", 6, "before")),
    ("small", Place(0, "request", 6, "after")),
    ("large", Place(0, "request", 11, "after")),
    ("large", Place(0, "commit", 14, "before")),
    ("large", Place(1, "commit", 3, "after")),
    ("large", Place(1, "request", 9, "after")),
    ("crowded", Place(0, "queued", 1, "before")),
    ("crowded", Place(0, "queued", 2, "after")),
    ("crowded", Place(1, "queued", 1, "before")),
    ("streamed", Place(0, "commit", 3, "before")),
    ("streamed", Place(0, "request", 6, "after")),
    ("streamed", Place(0, "request", 8, "before")),
    ("streamed", Place(0, "commit", 6, "after")),
    ("plain", Place(0, "request", 5, "after")),
    ("plain", Place(0, "request", 6, "after")),
    ("plain", Place(0, "commit", 5, "before")),
    ("threaded", Place(0, "request", 8, "after")),
    ("tools", Place(0, "tool", 1, "before")),
    ("tools", Place(0, "tool", 1, "after")),
    ("pressed", Place(0, "commit", 7, "after")),
    ("rewritten", Place(0, "request", 14, "after")),
]
"""A fixed slice of all crash points, which ``make crashpoints`` tries; most strike around the first sends."""


@pytest.mark.long
@pytest.mark.crashpoints
@pytest.mark.parametrize("nonce_window", [300, 0], ids=["nonces remembered", "nonces forgotten"])
async def test_a_kill_costs_and_doubles_nothing(nonce_window: int) -> None:
    """Killed by SIGKILL at a place and started again, the bot has answered each part once, in order."""
    async with nursery() as children:
        slots = asyncio.Semaphore(2)

        async def run(name: str, place: Place) -> Result:
            async with slots:
                return await attempted(children, Run(name, (place,), nonce_window))

        results = await asyncio.gather(*(run(*each) for each in SLICE))

    assert {str(result.places[0]): result.problems for result in results if result.problems} == {}
    assert [result.kills for result in results] == [1] * len(SLICE)
