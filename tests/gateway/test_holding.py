"""Arrivals that wait for a look keep their order, and none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from bot.errors import LogError
from bot.gateway.holding import Holding, Recording


class Journal:
    """Takes arrivals as a log would: each is recorded a moment later."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    def take(self, number: int) -> Recording:
        """Queue an arrival."""
        self.taken.append(number)
        recording: Recording = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(recording.set_result, ())
        return recording

    async def look(self, number: int, turns: int) -> Recording | None:
        """Queue an arrival some turns of the loop later; of -1 turns none is recorded, and -2 fail."""
        for _ in range(turns):
            await asyncio.sleep(0)
        if turns == -2:
            raise LogError("gone")
        recording = self.take(number)
        return None if turns == -1 else recording


async def run(arrivals: Sequence[tuple[int, int | None, int]]) -> None:
    """Have arrivals of two channels come, with pauses between them; those with a number of turns are looked up."""
    holding, journals = Holding(), (Journal(), Journal())
    outcomes: list[Recording | None] = []
    for number, (channel, turns, pause) in enumerate(arrivals):
        journal = journals[channel]
        if turns is None:
            outcomes.append(holding.take(channel, partial(journal.take, number)))
        else:
            outcomes.append(holding.look(channel, partial(journal.look, number, turns)))
        for _ in range(pause):
            await asyncio.sleep(0)
    ended = await asyncio.gather(*filter(None, outcomes), return_exceptions=True)
    failed = {number for number, (_, turns, _) in enumerate(arrivals) if turns == -2}

    assert [type(each) for each in ended] == [LogError if number in failed else tuple for number in range(len(ended))]
    for channel in (0, 1):
        came = [number for number, (where, _, _) in enumerate(arrivals) if where == channel]
        assert journals[channel].taken == [number for number in came if number not in failed]
    await holding.stop()
    assert 0 not in holding
    assert 1 not in holding


@given(st.lists(st.tuples(st.integers(0, 1), st.none() | st.integers(-2, 4), st.integers(0, 3)), max_size=12))
def test_what_waits_is_taken_in_its_order(arrivals: list[tuple[int, int | None, int]]) -> None:
    """Whatever is looked up for it, and for how long; one that fails holds up no other."""
    asyncio.run(run(arrivals))


async def test_what_waits_at_the_end_is_let_go() -> None:
    """Its message was not recorded, so the next start finds it in the history."""
    holding, journal = Holding(), Journal()
    stuck = holding.look(1, lambda: journal.look(1, 10**9))
    behind = holding.take(1, lambda: journal.take(2))
    await asyncio.sleep(0)
    await holding.stop()

    assert behind is not None
    assert (stuck.cancelled(), behind.cancelled(), journal.taken) == (True, True, [])
