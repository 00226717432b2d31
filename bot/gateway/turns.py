"""Turns for new sessions: Discord takes one each five seconds of the shards of a bucket (docs: "Max Concurrency").

What comes too early it answers with op 9, and the client asks again after a pause. So turns spare trouble, and no more:
they are those of one process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.gateway import pacing

SLACK = 0.5
"""Seconds by which connecting may take longer for one client than for the next."""


@dataclass(slots=True)
class Turns:
    """Deals out turns to the clients of a process; ``clock`` returns seconds of a monotonic clock."""

    clock: Callable[[], float]
    _next: dict[int, float] = field(default_factory=dict)

    def take(self, shard: int, concurrency: int) -> float:
        """Take the next turn of a shard's bucket; return the seconds until then."""
        bucket, now = shard % max(1, concurrency), self.clock()
        turn = max(now, self._next.get(bucket, now))
        self._next[bucket] = turn + pacing.IDENTIFY_SECONDS + SLACK
        return turn - now
