"""Ask a responder that answers in any of the three ways: at once, later, or piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import TypeAlias

from bot.responders.protocol import Anew, Answer, Context, Question, Responder, Said

Show: TypeAlias = Callable[[str | Anew], None]
"""Called with each piece that an answer grows by, and when it begins anew; must not block."""


def at_once(responder: Responder, question: Question) -> Answer | None:
    """Return the answer of a responder that needs only the question and waits for nothing; None for all others.

    Raises all errors of the responder.
    """
    if responder.costs or responder.wants_history:
        return None
    reply = responder.answer(question, Context())
    if isinstance(reply, Coroutine):
        # The coroutine has not begun; another one is made when the reply has its turn.
        reply.close()
    return None if isinstance(reply, Awaitable | AsyncGenerator) else _whole(reply)


async def ask(responder: Responder, question: Question, context: Context, show: Show | None = None) -> Answer | None:
    """Return a whole answer, and show its pieces as they come; raises all errors of the responder."""
    async with asyncio.timeout(responder.timeout):
        reply = responder.answer(question, context)
        if isinstance(reply, AsyncGenerator):
            return await _joined(reply, show)
        return _whole(await reply if isinstance(reply, Awaitable) else reply)


async def _joined(pieces: AsyncGenerator[str | Answer | Anew, None], show: Show | None) -> Answer | None:
    said = ""
    async with aclosing(pieces):
        async for piece in pieces:
            if isinstance(piece, Answer):
                return _whole(piece)
            said = "" if isinstance(piece, Anew) else said + piece
            if show is not None:
                show(piece)
    return _whole(said or None)


def _whole(said: Said) -> Answer | None:
    """Return a result as an answer; raise TypeError if it is no text, UnicodeError if it can't be sent."""
    if said is None:
        return None
    answer = said if isinstance(said, Answer) else Answer(said)
    if not isinstance(answer.text, str):
        raise TypeError(f"A responder answered with {type(answer.text).__name__}, which is no text.")
    answer.text.encode()
    return answer
