"""A circuit breaker: a model that is away is asked by one question at a time, with pauses, until it answers.

Closed: all questions ask. Open: no question asks for a while. Half-open: one question asks, and the others wait for the
outcome. This state belongs to the process and is not recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import structlog

from bot.responders.failure import Failure
from bot.responders.protocol import Absence, Condition, Trouble

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 1.5
"""The longest pause, in seconds before jitter, if the server can't be reached: a refused connection is cheap."""

LONGEST_UNHURRIED = 20.0
"""The same if it kept silent, fails on a question, asks for fewer requests, or needs a person to act."""

HURRIED_SECONDS = 60.0
"""The time in which a server that fails on a question gets the short pauses: the question may be the cause."""

LONGEST_WANTED = 60.0
"""The longest pause, in seconds before jitter, if the server itself says how long to wait."""

HALF_OPEN = 0.5
"""Seconds until the next look at the outcome of the question that asks."""

JITTER = 0.25

_log = structlog.get_logger(__name__)


class Breaker:
    """Decides which questions may ask a model, or any model of a provider.

    ``name`` is shown to people and in log lines. ``clock`` returns seconds and is never set back, ``dice`` gives the
    jitter of the pauses. ``failure`` is what keeps questions from asking (None: nothing does).
    """

    def __init__(self, name: str, clock: Callable[[], float], dice: Random) -> None:
        self.name = name
        self._clock = clock
        self._dice = dice
        self.failure: Failure | None = None
        self._since = 0.0
        self._tries = 0
        self._due = 0.0
        self._prober: object | None = None

    def admit(self, who: object) -> bool:
        """Tell whether ``who`` may ask; if that is a probe, nobody else may ask until its outcome is known."""
        if self.failure is None:
            return True
        if self._prober is not None or self._clock() < self._due:
            return False
        self._prober = who
        return True

    def absence(self) -> Absence | None:
        """Return why nobody may ask now, and for how long; None if somebody may."""
        if self.failure is None:
            return None
        wait = self._due - self._clock()
        if self._prober is not None:
            wait = max(wait, HALF_OPEN)
        return Absence(self.failure.reason, wait) if wait > 0 else None

    def condition(self, tokens: int) -> Condition:
        """Return its condition; ``tokens`` is how long a prompt may be."""
        if self.failure is None:
            return Condition(self.name, tokens=tokens)
        return Condition(self.name, self.failure.reason, self._clock() - self._since, self._tries, tokens)

    def failed(self, who: object, failure: Failure) -> float:
        """Take a failure that does not depend on the question; return the seconds until the next attempt."""
        now = self._clock()
        if self.failure is None:
            self._since = now
            _log.warning("model.away", model=self.name, reason=failure.reason)
        elif self._prober is not who:
            # It began to ask before the first failure, so it does not count as a further attempt.
            return max(self._due - now, FIRST_PAUSE)
        self.failure = failure
        self._tries += 1
        self._prober = None
        pause = self._pause(failure)
        self._due = now + pause
        return pause

    def alive(self) -> None:
        """Take a sign of life: all questions may ask again."""
        self._prober = None
        if self.failure is not None:
            _log.info("model.back", model=self.name, after=round(self._clock() - self._since, 1), tries=self._tries)
            self.failure = None

    def answered(self) -> None:
        """Take a whole answer. Only this makes pauses short again: a model may come back and be lost in each answer."""
        self.alive()
        self._tries = 0

    def release(self, who: object) -> None:
        """Let the next question ask, if an attempt ended without an outcome."""
        if self._prober is who:
            self._prober = None

    def _pause(self, failure: Failure) -> float:
        if failure.retry_after is not None:
            wanted = min(max(failure.retry_after, FIRST_PAUSE), LONGEST_WANTED)
            return wanted * self._dice.uniform(1, 1 + JITTER)
        hurried = failure.trouble is Trouble.AWAY and not failure.unhurried
        if failure.suspect and self._clock() - self._since > HURRIED_SECONDS:
            hurried = False
        longest = LONGEST_PAUSE if hurried else LONGEST_UNHURRIED
        pause: float = min(FIRST_PAUSE * 2 ** min(self._tries - 1, 10), longest)
        return pause * self._dice.uniform(1 - JITTER, 1 + JITTER)
