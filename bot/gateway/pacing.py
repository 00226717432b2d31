"""How long to wait before the gateway is called again: rules alone, without a clock or chance of their own."""

from __future__ import annotations

from bot.backoff import doubled

LONGEST_PAUSE = 30.0
"""Seconds after which whatever failed is tried again at the latest: what is back is found soon."""

FIRST_PAUSE = 0.25
"""Discord asks clients to connect again all day (op 7): the first connection after one that worked waits no longer."""

IDENTIFY_SECONDS = 5.0
"""A session may begin each so many seconds (docs: identify concurrency), 1 to 5 s after one was refused (op 9)."""

SETTLED_SECONDS = 10.0
"""A session that lives so long is one: what ends it is news, and counted anew."""

FAILED_RESUMES = 3
"""Resumes in a row without RESUMED, after which a new session begins."""


def pause(failed: int, chance: float) -> float:
    """Return the seconds to wait after ``failed`` connections in a row: doubling, by chance (0 to 1) half of it."""
    if failed <= 1:
        return min(LONGEST_PAUSE, FIRST_PAUSE * chance)
    return doubled(failed, LONGEST_PAUSE, chance)


def before_identify(since: float, chance: float) -> float:
    """Return the seconds to wait for a new session, ``since`` seconds after the one before was asked for."""
    return IDENTIFY_SECONDS * max(0.2 + 0.8 * chance, 1 - since / IDENTIFY_SECONDS) if IDENTIFY_SECONDS else 0.0


def until_more(reset_after: float) -> float:
    """Return the seconds until Discord is asked again whether a session may begin; ``reset_after``: in which it may."""
    return min(LONGEST_PAUSE, max(IDENTIFY_SECONDS, reset_after))
