"""A circuit breaker: who is away is asked by one question at a time, with pauses, until it answers.

Closed: everybody asks. Open: nobody does for a while. Half-open: one question asks, and the others wait for what
becomes of it. This is the state of a process, not a fact: nothing of it is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import structlog

from bot.responders.llm.failures import Failure
from bot.responders.protocol import Absence, Condition, Trouble

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 1.5
"""Seconds between two attempts to reach somebody who can't be reached, before jitter: a refused connection is cheap."""

LONGEST_UNHURRIED = 20.0
"""The same for who kept silent, fails over a question, asks for less, or waits for a person to act."""

HURRIED_SECONDS = 60.0
"""For how long a server that fails over a question is in a hurry asked again: it may be the question."""

LONGEST_WANTED = 60.0
"""The same for who says itself how long to wait."""

HALF_OPEN = 0.5
"""Seconds until somebody looks again whether the one who asks has got an answer."""

JITTER = 0.25

_log = structlog.get_logger(__name__)


class Breaker:
    """Tells who may ask a model, or any model of a provider, by the ``name`` that log lines and people get.

    ``clock`` returns seconds and is never set back, ``dice`` spread the pauses.

    ``failure`` is what keeps everybody from asking (None: nothing does).
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
        """Tell whether ``who`` may ask; where that is a probe, nobody else may until its outcome is told."""
        if self.failure is None:
            return True
        if self._prober is not None or self._clock() < self._due:
            return False
        self._prober = who
        return True

    def absence(self) -> Absence | None:
        """Return why nobody may ask just now, and for how long; None where somebody may."""
        if self.failure is None:
            return None
        wait = self._due - self._clock()
        if self._prober is not None:
            wait = max(wait, HALF_OPEN)
        return Absence(self.failure.reason, wait) if wait > 0 else None

    def condition(self, tokens: int) -> Condition:
        """Return how it is; ``tokens`` is how long a prompt may be."""
        if self.failure is None:
            return Condition(self.name, tokens=tokens)
        return Condition(self.name, self.failure.reason, self._clock() - self._since, self._tries, tokens)

    def failed(self, who: object, failure: Failure) -> float:
        """Take a failure that says nothing about the question; return the seconds until the next attempt."""
        now = self._clock()
        if self.failure is None:
            self._since = now
            _log.warning("model.away", model=self.name, reason=failure.reason)
        elif self._prober is not who:
            # Asked before the first one failed: that is no further attempt.
            return max(self._due - now, FIRST_PAUSE)
        self.failure = failure
        self._tries += 1
        self._prober = None
        pause = self._pause(failure)
        self._due = now + pause
        return pause

    def alive(self) -> None:
        """Take a sign of life: everybody may ask again."""
        self._prober = None
        if self.failure is not None:
            _log.info("model.back", model=self.name, after=round(self._clock() - self._since, 1), tries=self._tries)
            self.failure = None

    def answered(self) -> None:
        """Take a whole answer: only now the pauses are short again, since one may come back and go in every answer."""
        self.alive()
        self._tries = 0

    def release(self, who: object) -> None:
        """Let the next one try where an attempt ended without telling anything about the model."""
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
