"""Discord ids: milliseconds since 2015 in the high bits, so that ids sort by time.

Layout (reference.mdx, "Snowflakes"): 42 bits of time, 22 bits of worker, process and increment. The sandbox has one
worker, so all 22 low bits count up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

DISCORD_EPOCH_MS = 1_420_070_400_000
TIME_SHIFT = 22
MAX_SNOWFLAKE = 2**63 - 1


def wall_clock_ms() -> int:
    """Read the wall clock in milliseconds."""
    return time.time_ns() // 1_000_000


def timestamp_ms(snowflake: int) -> int:
    """Return the time of an id, in Unix milliseconds."""
    return (snowflake >> TIME_SHIFT) + DISCORD_EPOCH_MS


def iso_time(milliseconds: float) -> str:
    """Write Unix milliseconds in Discord's form of times."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="microseconds")


def iso_moment(snowflake: int) -> str:
    """Write the time of an id in Discord's form, its low bits as microseconds: ids of one millisecond differ, too."""
    return iso_time(timestamp_ms(snowflake) + (snowflake & (2**TIME_SHIFT - 1)) / 1000)


class Snowflakes:
    """Makes strictly increasing ids from a clock, even if the clock stands still or steps back."""

    def __init__(self, clock_ms: Callable[[], int] = wall_clock_ms) -> None:
        """Start before the first id."""
        self._clock_ms = clock_ms
        self._last = 0

    def next(self) -> int:
        """Make the next id."""
        now = (self._clock_ms() - DISCORD_EPOCH_MS) << TIME_SHIFT
        self._last = max(now, self._last + 1)
        return self._last
