"""Which events say that a model was paid."""

from __future__ import annotations

from typing import TypeAlias

from bot.core.events import AnswerRehearsed, ConversationSummarised, ReplyAbandoned, ReplyComposed, ReplyDelayed

Failed: TypeAlias = ReplyDelayed | ReplyAbandoned
Paid: TypeAlias = ReplyComposed | Failed | ConversationSummarised | AnswerRehearsed

FAILED = "failed"
"""Stands for the model where the event does not name the one that failed."""


def model_of(event: Paid) -> str:
    """Return the model that was paid, ``failed`` for an attempt without an answer, and "" where none was."""
    if isinstance(event, Failed):
        return FAILED if event.tokens_in or event.tokens_out else ""
    return event.model or (FAILED if isinstance(event, AnswerRehearsed) else "")
