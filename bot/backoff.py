"""Pauses between attempts: growing ones, with jitter, so that attempts that failed together are not repeated together.

Or those that somebody asks for who is busy.
"""

from __future__ import annotations

import random
from contextlib import suppress
from email.utils import parsedate_to_datetime

_DOUBLINGS = 30
"""Doublings that exceed any longest pause."""

LONGEST_ASKED = 3600.0
"""Seconds that somebody may have us wait at most."""


def doubled(attempt: int, longest: float, chance: float) -> float:
    """Return the seconds to wait after attempt ``attempt``: doubling from 1; ``chance`` (0 to 1) varies half of it."""
    return min(longest, 2.0 ** min(attempt - 1, _DOUBLINGS)) * (1 + chance) / 2


def backoff(attempt: int, longest: float) -> float:
    """Return the same, with a random chance."""
    return doubled(attempt, longest, random.random())  # noqa: S311 - spreads attempts, hides nothing


def retry_after(text: str, now: float) -> float | None:
    """Return the seconds that a Retry-After asks for (RFC 9110, section 10.2.3), None where it asks for nothing.

    ``now`` is in seconds since the epoch.
    """
    if text.isascii() and text.isdecimal():
        return min(float(text[:10]), LONGEST_ASKED)
    with suppress(ValueError, TypeError):
        return min(max(0.0, parsedate_to_datetime(text).timestamp() - now), LONGEST_ASKED)
    return None
