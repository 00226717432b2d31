"""How long a prompt for one model may be: what its server tells, and what was learnt when it found one too long.

This is kept for the life of the process: a server may be started anew with another size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from bot.responders.llm.failures import Failure
from bot.responders.llm.models import Candidate
from bot.responders.llm.server import ask
from bot.responders.protocol import Trouble

SHORT = 300
"""Tokens of a prompt that no model finds too long."""
LEAST_GAIN = 0.9
"""What a shorter prompt has at most of the one before: one that hardly got shorter is not asked for again."""
TOLD_SECONDS = 3.0


class Share(NamedTuple):
    """How many tokens of a model's context the prompt may take, and how many the answer."""

    prompt: int
    answer: int


@dataclass(slots=True)
class Room:
    """What is known of one model's context; ``prompt`` and ``answer`` are what the settings want at most.

    ``context`` is how many tokens it holds, prompt and answer together, ``learnt`` how long a prompt it took when it
    had found a longer one too long (0: not known).
    """

    prompt: int
    answer: int
    context: int = 0
    learnt: int = 0
    _asked: bool = False

    @property
    def tokens(self) -> int:
        """Return how long a prompt may be as far as the model is concerned, 0 where that is not known."""
        limits = [limit for limit in (self._share(self.context).prompt if self.context else 0, self.learnt) if limit]
        return min(limits, default=0)

    async def share(self, candidate: Candidate) -> Share:
        """Return how much prompt and answer may take; ask one's own server for the size of its context, once."""
        if candidate.own and not self._asked:
            self._asked = True
            told = await ask(candidate, TOLD_SECONDS)
            failure = told.failure
            # One that is away is asked once more when it is back.
            self._asked = failure is None or failure.trouble is not Trouble.AWAY or failure.unhurried
            self.context = self.context or told.context
        share = self._share(self.context)
        return share if not self.learnt else Share(min(share.prompt, self.learnt), share.answer)

    def shorter(self, tokens: int, failure: Failure) -> Share | None:
        """Return what to try after a prompt of so many tokens that may have been too long, None for nothing."""
        if failure.context:
            self.context = failure.context
        if tokens <= SHORT:
            return None
        share = self._share(self.context)
        return share if share.prompt < tokens * LEAST_GAIN else Share(tokens // 2, share.answer)

    def took(self, tokens: int) -> None:
        """Note that a prompt of so many tokens was short enough, where a longer one was not."""
        self.learnt = tokens

    def _share(self, context: int) -> Share:
        if not context:
            return Share(self.prompt, self.answer)
        prompt = min(self.prompt, max(context - self.answer, context // 2))
        return Share(prompt, min(self.answer, max(context - prompt, 1)))
