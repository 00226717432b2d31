"""Growing pauses between attempts, with jitter, so that attempts that failed together are not repeated together."""

from __future__ import annotations

import random

_DOUBLINGS = 30
"""Doublings that exceed any longest pause."""


def doubled(attempt: int, longest: float, chance: float) -> float:
    """Return the seconds to wait after attempt ``attempt``: doubling from 1; ``chance`` (0 to 1) varies half of it."""
    return min(longest, 2.0 ** min(attempt - 1, _DOUBLINGS)) * (1 + chance) / 2


def backoff(attempt: int, longest: float) -> float:
    """Return the same, with a random chance."""
    return doubled(attempt, longest, random.random())  # noqa: S311 - spreads attempts, hides nothing
