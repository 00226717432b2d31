"""A model and its provider: which questions may ask them now, and to which of the two a failure belongs."""

from __future__ import annotations

from dataclasses import dataclass

from bot.responders.breaker import Breaker
from bot.responders.failure import Failure
from bot.responders.llm.models import Candidate
from bot.responders.llm.room import Room
from bot.responders.protocol import Absence, Condition


@dataclass(slots=True)
class Peer:
    """A model with its breaker, the size of its context, and the number of questions that it has answered.

    ``provider`` is the breaker of its provider, which all models of that provider share. ``thinks``: its last answer
    began with thoughts that nothing introduced, so the next one is shown only from their end on.
    """

    candidate: Candidate
    provider: Breaker
    breaker: Breaker
    room: Room
    answers: int = 0
    thinks: bool = False

    @property
    def blocked(self) -> Breaker:
        """Return the breaker that counts: its provider's if that has a failure, else its own."""
        return self.breaker if self.provider.failure is None else self.provider

    def admit(self, who: object) -> bool:
        """Tell whether ``who`` may ask it now, as :meth:`Breaker.admit` does."""
        if not self.provider.admit(who):
            return False
        if self.breaker.admit(who):
            return True
        self.provider.release(who)
        return False

    def release(self, who: object) -> None:
        """Let the next question ask, if an attempt ended without an outcome."""
        self.provider.release(who)
        self.breaker.release(who)

    def alive(self) -> None:
        """Take a sign of life."""
        self.provider.alive()
        self.breaker.alive()

    def answered(self) -> None:
        """Take a whole answer."""
        self.answers += 1
        self.provider.answered()
        self.breaker.answered()

    def failed(self, who: object, failure: Failure) -> float:
        """Take a failure that does not depend on the question; return the seconds until the next attempt."""
        if failure.shared:
            return self.provider.failed(who, failure)
        # A provider that reports the failure of one model is reachable.
        self.provider.alive()
        return self.breaker.failed(who, failure)

    def absence(self) -> Absence | None:
        """Return why it can't be asked now, and for how long; None if it can."""
        return self.provider.absence() or self.breaker.absence()

    def condition(self) -> Condition:
        """Return its condition, or that of its provider if that is away."""
        blocked = self.blocked
        return blocked.condition(self.room.tokens if blocked.name == self.candidate.name else 0)
