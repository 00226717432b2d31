"""How a test asks a responder of language models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.responders import Answer, Context, Question
from bot.responders.llm.responder import LlmResponder
from bot.responders.llm.settings import ModelPatience
from tests.waiting import PATIENCE

Asking = Callable[..., LlmResponder]
"""Makes a responder; settings come by name."""

TEXT = "you? word0 word1 word2 word3 word4 word5 end."
"""What the server's model answers to the question."""

PATIENT = ModelPatience(first_token=PATIENCE, between=PATIENCE, total=PATIENCE)


def question(text: str = "Who are you?", **changes: object) -> Question:
    """Return a question of Ada's."""
    asked = Question(channel_id=1, message_id=100, author_id=7, author="Ada", text=text)
    return asked._replace(**changes)  # type: ignore[arg-type]


async def ask(responder: LlmResponder, text: str = "Who are you?", **context: object) -> tuple[list[str], Answer]:
    """Ask, and return the pieces that were shown and the answer."""
    told: Context = replace(Context(), **context)  # type: ignore[arg-type]
    pieces = [piece async for piece in responder.answer(question(text), told)]
    *shown, answer = pieces
    assert isinstance(answer, Answer)
    assert all(isinstance(piece, str) for piece in shown)
    return [str(piece) for piece in shown], answer
