"""How much is answered: a rate per channel and per person, each with its burst.

The generic cell rate algorithm: one number per key, the time at which the bucket would be empty again. Times are
seconds of a clock that nobody can set back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cachetools import LRUCache

from bot.core.events import SkipReason

KEYS = 20_000
"""How many channels or people are remembered; the one longest unheard goes first."""
ROUNDING = 1e-6
"""Seconds within which times are the same."""


@dataclass(slots=True)
class Bucket:
    """Lets through ``count`` at once and refills within ``seconds``."""

    count: int
    seconds: float
    _empty_at: LRUCache[int, float] = field(default_factory=lambda: LRUCache(KEYS))

    def full(self, key: int, now: float) -> bool:
        """Tell whether one more would be too many."""
        waits = max(self._empty_at.get(key, now) - now, 0.0)
        # Of a clock that has run for long the last digits are lost, and an empty bucket must not seem full for that.
        return waits + self.seconds / self.count > self.seconds + ROUNDING

    def take(self, key: int, now: float) -> None:
        """Count one."""
        self._empty_at[key] = max(self._empty_at.get(key, now), now) + self.seconds / self.count


@dataclass(slots=True)
class Limiter:
    """Says which messages go unanswered because there were too many; None stands for no limit."""

    per_channel: Bucket | None
    per_person: Bucket | None
    clock: Callable[[], float]
    _told: LRUCache[tuple[int, int], None] = field(default_factory=lambda: LRUCache(KEYS))
    _judged: LRUCache[int, SkipReason | None] = field(default_factory=lambda: LRUCache(KEYS))

    def refusal(self, channel_id: int, person_id: int, message_id: int) -> SkipReason | None:
        """Return which limit this message would exceed; count it when there is none, once however often it comes."""
        if message_id not in self._judged:
            self._judged[message_id] = self._judge(channel_id, person_id)
        return self._judged[message_id]

    def _judge(self, channel_id: int, person_id: int) -> SkipReason | None:
        now = self.clock()
        if self.per_person is not None and self.per_person.full(person_id, now):
            return SkipReason.PERSON_LIMIT
        if self.per_channel is not None and self.per_channel.full(channel_id, now):
            return SkipReason.CHANNEL_LIMIT
        if self.per_person is not None:
            self.per_person.take(person_id, now)
        if self.per_channel is not None:
            self.per_channel.take(channel_id, now)
        self._told.pop((channel_id, person_id), None)
        return None

    def tell(self, channel_id: int, person_id: int) -> bool:
        """Tell whether the person has yet to hear of the limit; true once until they are answered again."""
        if (channel_id, person_id) in self._told:
            return False
        self._told[channel_id, person_id] = None
        return True
