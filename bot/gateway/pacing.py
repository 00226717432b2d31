"""How long to wait before connecting to the gateway again. Pure: callers pass in the time and the random number."""

from __future__ import annotations

from bot.backoff import doubled

LONGEST_PAUSE = 30.0
"""The longest pause in seconds, so that the bot soon finds a gateway that is back."""

FIRST_PAUSE = 0.25
"""The longest pause after a connection that worked. Discord asks clients all day to connect again (op 7)."""

IDENTIFY_SECONDS = 5.0
"""Seconds between two new sessions (docs: identify concurrency). After op 9 a client has to wait 1 to 5 s."""

SETTLED_SECONDS = 10.0
"""Seconds after which a session counts as established. Failures after that are counted from 1 again."""

FAILED_RESUMES = 3
"""Resumes in a row without RESUMED, after which a new session begins."""


def pause(failed: int, chance: float) -> float:
    """Return the seconds to wait after ``failed`` connections in a row: doubling, half of it by ``chance`` (0 to 1)."""
    if failed <= 1:
        return min(LONGEST_PAUSE, FIRST_PAUSE * chance)
    return doubled(failed, LONGEST_PAUSE, chance)


def before_identify(since: float, chance: float) -> float:
    """Return the seconds to wait before a new session, ``since`` seconds after the last one was asked for."""
    return IDENTIFY_SECONDS * max(0.2 + 0.8 * chance, 1 - since / IDENTIFY_SECONDS) if IDENTIFY_SECONDS else 0.0


def until_more(reset_after: float) -> float:
    """Return the seconds until the next question whether a session may begin; ``reset_after``: until one may begin."""
    return min(LONGEST_PAUSE, max(IDENTIFY_SECONDS, reset_after))
