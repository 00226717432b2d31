"""A responder whose answers a test speaks, piece by piece, as a model would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from bot.responders import Anew, Answer, Context, ModelFailed, Question, Responder


@dataclass(slots=True)
class Speech:
    """One answer in the making; ``over``: nobody listens any more."""

    question: Question
    context: Context
    said: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _pieces: asyncio.Queue[str | Anew | Answer | ModelFailed] = field(default_factory=asyncio.Queue)

    def say(self, piece: str) -> None:
        """Say a piece more."""
        self._pieces.put_nowait(piece)

    def begin_anew(self) -> None:
        """Take back what was said."""
        self._pieces.put_nowait(Anew())

    def end(self, piece: str = "", finish: str = "") -> None:
        """Say the last piece; ``finish`` says why it is the last."""
        if piece:
            self.say(piece)
        self._pieces.put_nowait(Answer("", model="spoken", tokens_in=10, tokens_out=5, finish=finish))

    def fail(self, error: ModelFailed) -> None:
        """Break off."""
        self._pieces.put_nowait(error)

    async def heard(self) -> AsyncGenerator[str | Anew | Answer, None]:
        """Yield what is said."""
        while True:
            piece = await self._pieces.get()
            match piece:
                case str():
                    self.said.append(piece)
                    yield piece
                case Anew():
                    self.said.clear()
                    yield piece
                case ModelFailed():
                    raise piece
                case Answer():
                    yield Answer("".join(self.said), piece.rule, piece.model, 10, 5, finish=piece.finish)
                    return


class Spoken(Responder):
    """Answers whatever has words and addresses the bot, with what a test says."""

    name = "spoken"
    costs = True
    answers_everything = True
    timeout = None

    def __init__(self) -> None:
        self.speeches: list[Speech] = []
        self._asked = asyncio.Event()

    async def answer(self, question: Question, context: Context) -> AsyncGenerator[str | Anew | Answer, None]:
        """Yield what the test says."""
        speech = Speech(question, context)
        self.speeches.append(speech)
        self._asked.set()
        try:
            async for piece in speech.heard():
                yield piece
        finally:
            speech.over.set()

    async def asked(self, count: int = 1) -> Speech:
        """Wait until it was asked so often, and return the newest answer in the making."""
        while len(self.speeches) < count:
            self._asked.clear()
            await self._asked.wait()
        return self.speeches[count - 1]
