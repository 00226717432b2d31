"""A model beside its provider: who may ask it now, and what a failure says about which of the two."""

from __future__ import annotations

from dataclasses import dataclass

from bot.responders.llm.breaker import Breaker
from bot.responders.llm.failures import Failure
from bot.responders.llm.models import Candidate
from bot.responders.llm.room import Room
from bot.responders.protocol import Absence, Condition


@dataclass(slots=True)
class Peer:
    """A model, who may ask it now, how much it can be told, and how many questions it answered.

    ``provider`` tells who may ask anything of its provider: all models that are asked there have the same one.
    """

    candidate: Candidate
    provider: Breaker
    breaker: Breaker
    room: Room
    answers: int = 0

    @property
    def blocked(self) -> Breaker:
        """Return what keeps it from being asked: its provider's breaker, where that is open, else its own."""
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
        """Let the next one try where an attempt ended without telling anything."""
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
        """Take a failure that says nothing about the question; return the seconds until the next attempt."""
        if failure.shared:
            return self.provider.failed(who, failure)
        # Whoever says something of one model is there.
        self.provider.alive()
        return self.breaker.failed(who, failure)

    def absence(self) -> Absence | None:
        """Return why it can't be asked just now, and for how long; None where it can."""
        return self.provider.absence() or self.breaker.absence()

    def condition(self) -> Condition:
        """Return how it is, or its provider, where that is what is away."""
        blocked = self.blocked
        return blocked.condition(self.room.tokens if blocked.name == self.candidate.name else 0)
