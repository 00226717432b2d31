"""Turns to write, given on the loop's clock."""

from __future__ import annotations

import asyncio

from bot.replies.pace import Pace


async def given(turns: list[asyncio.Future[None]]) -> list[int]:
    """Wait for the next turn and return the numbers of all that were given."""
    await asyncio.wait(turns, return_when=asyncio.FIRST_COMPLETED)
    return [number for number, turn in enumerate(turns) if turn.done()]


async def test_some_come_at_once_and_the_rest_wait() -> None:
    """After a pause."""
    pace = Pace(1, per_second=0.001, at_once=3)

    turns = [pace.turn() for _ in range(5)]

    assert [turn.done() for turn in turns] == [True, True, True, False, False]
    assert not pace.spare()


async def test_every_turn_comes_in_the_end() -> None:
    """In the order in which they were asked for."""
    pace = Pace(1, per_second=1000, at_once=1)
    turns = [pace.turn() for _ in range(20)]
    seen: list[int] = []
    for number, turn in enumerate(turns):
        turn.add_done_callback(lambda _, number=number: seen.append(number))  # type: ignore[misc]

    await asyncio.gather(*turns)
    await asyncio.sleep(0)

    assert seen == list(range(20))


async def test_what_comes_first_of_an_answer_goes_first() -> None:
    """Somebody waits for it."""
    pace = Pace(1, per_second=100, at_once=1)
    await pace.turn()

    assert await given([pace.turn(), pace.turn(first=True)]) == [1]


async def test_a_turn_that_nobody_needs_is_not_given() -> None:
    """The next one gets it."""
    pace = Pace(1, per_second=100, at_once=1)
    await pace.turn()
    turns = [pace.turn(), pace.turn()]
    turns[0].cancel()

    await turns[1]


async def test_what_matters_little_takes_what_is_left() -> None:
    """And nothing else."""
    pace = Pace(1, per_second=0.001, at_once=2)

    assert [pace.spare() for _ in range(3)] == [True, True, False]
