"""How long a prompt for one model may be: what its server tells, and what was learnt from prompts that were too long.

The process keeps this only in memory, because a server may be restarted with another size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from bot.responders.failure import Failure
from bot.responders.llm.models import Candidate
from bot.responders.llm.server import ask
from bot.responders.protocol import Trouble

SHORT = 300
"""Tokens of a prompt; such a prompt is not too long for any model."""
LEAST_GAIN = 0.9
"""The largest share of the former prompt's tokens that a shorter one may have; otherwise it is not worth a request."""
TOLD_SECONDS = 3.0


class Share(NamedTuple):
    """The tokens of a model's context that the prompt may take, and those that the answer may take."""

    prompt: int
    answer: int


@dataclass(slots=True)
class Room:
    """What is known of one model's context; ``prompt`` and ``answer`` are the limits of the settings, in tokens.

    ``context`` is the size of the context, prompt and answer together. ``learnt`` is the length of a prompt that the
    model accepted after a longer one had been too long. Both are 0 if not known.
    """

    prompt: int
    answer: int
    context: int = 0
    learnt: int = 0
    _asked: bool = False

    @property
    def tokens(self) -> int:
        """Return how long a prompt may be for the model itself, 0 if that is not known."""
        limits = [limit for limit in (self._share(self.context).prompt if self.context else 0, self.learnt) if limit]
        return min(limits, default=0)

    async def share(self, candidate: Candidate) -> Share:
        """Return the shares of prompt and answer; ask a server of one's own for the size of its context, once."""
        if candidate.own and not self._asked:
            self._asked = True
            told = await ask(candidate, TOLD_SECONDS)
            failure = told.failure
            # A server that is away is asked again when it is back.
            self._asked = failure is None or failure.trouble is not Trouble.AWAY or failure.unhurried
            self.context = self.context or told.context
        share = self._share(self.context)
        return share if not self.learnt else Share(min(share.prompt, self.learnt), share.answer)

    def shorter(self, tokens: int, failure: Failure) -> Share | None:
        """Return the share to try after a prompt of so many tokens that may have been too long; None: do not try."""
        if failure.context:
            self.context = failure.context
        if tokens <= SHORT:
            return None
        share = self._share(self.context)
        return share if share.prompt < tokens * LEAST_GAIN else Share(tokens // 2, share.answer)

    def took(self, tokens: int) -> None:
        """Note that a prompt of so many tokens was short enough after a longer one was not."""
        self.learnt = tokens

    def _share(self, context: int) -> Share:
        if not context:
            return Share(self.prompt, self.answer)
        prompt = min(self.prompt, max(context - self.answer, context // 2))
        return Share(prompt, min(self.answer, max(context - prompt, 1)))
