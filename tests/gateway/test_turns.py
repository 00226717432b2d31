"""Turns for new sessions: one each five seconds of the shards of a bucket."""

from __future__ import annotations

from bot.gateway.pacing import IDENTIFY_SECONDS
from bot.gateway.turns import SLACK, Turns

STEP = IDENTIFY_SECONDS + SLACK


def test_those_of_a_bucket_wait_for_each_other() -> None:
    """The others need not wait."""
    now = [100.0]
    turns = Turns(lambda: now[0])

    assert [turns.take(bucket) for bucket in (0, 1, 0, 0)] == [0, 0, STEP, 2 * STEP]
    now[0] += 3 * STEP
    assert turns.take(0) == 0


async def test_a_bucket_is_what_is_left_of_a_shard() -> None:
    """By ``shard_id % max_concurrency``; where Discord does not tell that, there is one."""
    waited: list[int] = []

    async def among(bucket: int) -> None:
        waited.append(bucket)

    for shard, concurrency in ((5, 2), (4, 16), (3, 0)):
        await Turns(lambda: 7.0, among).wait(shard, concurrency)
    assert waited == [1, 4, 0]
