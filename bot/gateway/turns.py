"""Turns for new sessions: Discord takes one each five seconds of the shards of a bucket (docs: "Max Concurrency").

What comes too early it answers with op 9, and the client asks again after a pause. So turns spare trouble, and no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.gateway import pacing

SLACK = 0.5
"""Seconds by which connecting may take longer for one client than for the next."""


@dataclass(slots=True)
class Turns:
    """Deals out turns to the clients of a process; ``clock`` returns seconds of a monotonic clock.

    ``among`` waits for the turn of a bucket among the processes of the bot.
    """

    clock: Callable[[], float]
    among: Callable[[int], Awaitable[None]] | None = None
    _next: dict[int, float] = field(default_factory=dict)

    async def wait(self, shard: int, concurrency: int) -> None:
        """Wait until a shard may begin a session."""
        bucket = shard % max(1, concurrency)
        await asyncio.sleep(self.take(bucket))
        if self.among is not None:
            await self.among(bucket)

    def take(self, bucket: int) -> float:
        """Take the next turn of a bucket in this process; return the seconds until then."""
        now = self.clock()
        turn = max(now, self._next.get(bucket, now))
        self._next[bucket] = turn + pacing.IDENTIFY_SECONDS + SLACK
        return turn - now
