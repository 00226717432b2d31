"""Facts about what the bot keeps in mind of what its window has outgrown."""

from __future__ import annotations

from bot.core.events.base import Event


class ConversationSummarised(Event):
    """Turns up to message ``upto`` are folded into a summary, with the one at position ``previous`` (0: none).

    Body: the summary. ``turns`` are so many that were new to it; ``people`` are the ids of those whose words are in it,
    so that it can be found when they are to be forgotten. Model, tokens and cost are as in ``reply.composed``.
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
