"""How a process stands to a log in an engine, for whoever watches it: as its owner, or as a standby that follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.eventlog.remote.following import Follower
from bot.eventlog.remote.view import Bookmark


@dataclass(slots=True)
class Standing:
    """Kept up to date by whoever follows, claims and beats; ``clock`` returns seconds of a monotonic clock.

    ``level_at`` is when the folder last showed all that the engine held, ``heard_at`` when a new sign of life of the
    owner was last seen or given, ``trouble`` why a standby can't follow just now ("": it can).
    """

    clock: Callable[[], float]
    follower: Follower
    level_at: float
    heard_at: float
    is_owner: bool = False
    trouble: str = ""

    @classmethod
    def now(cls, clock: Callable[[], float]) -> Standing:
        """Return the standing of a process that has just begun, and knows nothing of the log yet."""
        return cls(clock, Follower.at(Bookmark()), clock(), clock())

    def level(self) -> None:
        """Note that the folder shows all that the engine holds."""
        self.level_at, self.trouble = self.clock(), ""

    @property
    def lag(self) -> float:
        """Return how many seconds ago that was; an owner has nothing to follow."""
        return 0.0 if self.is_owner else self.clock() - self.level_at

    @property
    def silence(self) -> float:
        """Return how many seconds ago there was a new sign of life of the owner."""
        return self.clock() - self.heard_at
