"""How much is answered: a rate for each channel and each person, with bursts.

This is the generic cell rate algorithm: one number for each key, the time at which its bucket is empty again. Times are
seconds of a monotonic clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cachetools import LRUCache

from bot.core.events import SkipReason

KEYS = 20_000
"""How many channels or people are remembered. The one that was quiet longest is forgotten first."""
ROUNDING = 1e-6
"""Seconds by which times may differ through rounding."""


@dataclass(slots=True)
class Bucket:
    """Allows ``count`` at once and is empty again after ``seconds``."""

    count: int
    seconds: float
    _empty_at: LRUCache[int, float] = field(default_factory=lambda: LRUCache(KEYS))

    def full(self, key: int, now: float) -> bool:
        """Tell whether one more would be too many."""
        waits = max(self._empty_at.get(key, now) - now, 0.0)
        # A clock that has run for long loses its last digits. An empty bucket must not seem full because of that.
        return waits + self.seconds / self.count > self.seconds + ROUNDING

    def take(self, key: int, now: float) -> None:
        """Count one."""
        self._empty_at[key] = max(self._empty_at.get(key, now), now) + self.seconds / self.count


@dataclass(slots=True)
class Limiter:
    """Decides which messages get no answer because there were too many; None stands for no limit."""

    per_channel: Bucket | None
    per_person: Bucket | None
    clock: Callable[[], float]
    _told: LRUCache[tuple[int, int], None] = field(default_factory=lambda: LRUCache(KEYS))
    _judged: LRUCache[int, SkipReason | None] = field(default_factory=lambda: LRUCache(KEYS))

    def refusal(self, channel_id: int, person_id: int, message_id: int) -> SkipReason | None:
        """Return the limit that this message would exceed. Otherwise count it, once even if it is delivered again."""
        if message_id not in self._judged:
            self._judged[message_id] = self._judge(channel_id, person_id)
        return self._judged[message_id]

    def carry(self, message_id: int, copy_id: int, channel_id: int, person_id: int) -> None:
        """Have a copy of a message share its judgement: it is one question, and the copy tells of a limit."""
        if message_id in self._judged and copy_id not in self._judged:
            self._judged[copy_id] = self._judged[message_id]
            self._told.pop((channel_id, person_id), None)

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
        """Tell whether the person has to be told of the limit: True once, until they are answered again."""
        if (channel_id, person_id) in self._told:
            return False
        self._told[channel_id, person_id] = None
        return True
