"""Turns for new sessions: one each five seconds of the shards of a bucket."""

from __future__ import annotations

from bot.gateway.pacing import IDENTIFY_SECONDS
from bot.gateway.turns import SLACK, Turns

STEP = IDENTIFY_SECONDS + SLACK


def test_shards_of_a_bucket_wait_for_each_other() -> None:
    """A bucket is ``shard_id % max_concurrency``; the others need not wait."""
    now = [100.0]
    turns = Turns(lambda: now[0])

    assert [turns.take(shard, concurrency=2) for shard in (0, 1, 2, 4)] == [0, 0, STEP, 2 * STEP]
    now[0] += 3 * STEP
    assert turns.take(0, concurrency=2) == 0
    assert turns.take(3, concurrency=2) == 0


def test_a_shard_that_asks_again_waits_too() -> None:
    """Whatever the concurrency is, and where Discord does not tell it."""
    turns = Turns(lambda: 7.0)

    assert [turns.take(5, concurrency) for concurrency in (0, 1, 1)] == [0, STEP, 2 * STEP]
