"""Events of summaries, which keep what no longer fits into a window."""

from __future__ import annotations

from bot.core.events.base import Event


class ConversationSummarised(Event):
    """Turns up to message ``upto`` are folded into a summary, with the one at position ``previous`` (0: none).

    Body: the summary. ``turns`` is the number of turns that are new in it. ``people`` are the ids of the people whose
    words are in it, so that it is found when these are to be erased. Model, tokens and cost are as in
    ``reply.composed``.
    """

    TYPE = "conversation.summarised"
    WORDED = True

    upto: int
    turns: int
    previous: int = 0
    people: tuple[int, ...] = ()
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    estimated: bool = False
    priced: bool = True
