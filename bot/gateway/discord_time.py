"""What time it is for Discord. A machine's clock may be years off at one start, and right at the next.

The ids of messages hold Discord's time. Compared with a wrong clock, all that was missed would look too old to be read
or answered, or all that is old would look new. So the age of a message is measured with this clock.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime

import structlog

from bot.times import MINUTE, SECOND, moment_of, span

TOLERATED = MINUTE
"""Microseconds by which a clock may differ: an answer takes its time, and its date is cut to the second."""

_log = structlog.get_logger()


class DiscordTime:
    """The time in microseconds since the epoch: by ``clock``, unless Discord's answers say that it is wrong."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._ahead = 0

    def __call__(self) -> int:
        """Return the time."""
        return self._clock() - self._ahead

    def hear(self, date: str | None) -> None:
        """Take the ``Date`` of an answer of Discord (RFC 9110, 6.6.1); None and what is no date tell nothing."""
        try:
            theirs = moment_of(parsedate_to_datetime(date or ""))
        except (ValueError, TypeError, OverflowError, OSError):
            return
        ahead = self._clock() - (theirs + SECOND // 2)
        wrong = abs(ahead) > TOLERATED
        if wrong and not self._ahead:
            way = "ahead" if ahead > 0 else "behind"
            _log.error("clock.wrong", by=f"{span(abs(ahead))} {way} of Discord's", hint="Set this machine's clock.")
        self._ahead = ahead if wrong else 0
