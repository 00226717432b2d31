"""Say what a responder is asked, what it answers, and what it has to look like.

A responder is any object with a name and two methods. This one is whole:

>>> class Echo:
...     name = "echo"
...     wants_history = False
...
...     def claims(self, question: Question) -> bool:
...         return question.text.startswith("!echo ")
...
...     async def compose(self, question: Question, history: Sequence[Utterance]) -> Answer | None:
...         return Answer(question.text.removeprefix("!echo "))

>>> import asyncio
>>> question = Question(channel_id=1, message_id=2, author_id=3, author="Ada", text="!echo hello")
>>> Echo().claims(question)
True
>>> asyncio.run(Echo().compose(question, history=())).text
'hello'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Question(NamedTuple):
    """Carry the message to answer: ``text`` without the mention of the bot, ``author`` as shown in the channel."""

    channel_id: int
    message_id: int
    author_id: int
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """Carry one turn of the window before the question."""

    message_id: int
    author: str
    text: str
    by_bot: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """Carry the reply, of any length, and what it came from and cost (in millionths of a dollar)."""

    text: str
    rule: str = ""
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0


class Responder(Protocol):
    """Answer questions.

    ``wants_history`` says whether ``compose`` reads the window; where it is False the window comes empty and nothing
    is fetched for it.
    """

    name: str
    wants_history: bool

    def claims(self, question: Question) -> bool:
        """Tell at once, from the question alone, whether this responder would answer it."""
        ...

    async def compose(self, question: Question, history: Sequence[Utterance]) -> Answer | None:
        """Answer the question, or None to stay silent; ``history`` is the window before it, oldest first."""
        ...
