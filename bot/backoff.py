"""Pauses between attempts that grow, with jitter, so that those who failed together do not come back together."""

from __future__ import annotations

import random

_DOUBLINGS = 30
"""Enough to pass any longest pause."""


def doubled(attempt: int, longest: float, chance: float) -> float:
    """Return the seconds to wait after attempt ``attempt``: doubling from 1, by ``chance`` (0 to 1) half of that."""
    return min(longest, 2.0 ** min(attempt - 1, _DOUBLINGS)) * (1 + chance) / 2


def backoff(attempt: int, longest: float) -> float:
    """Return the same by a chance of its own."""
    return doubled(attempt, longest, random.random())  # noqa: S311 - spreads attempts, hides nothing
