"""A language model's stand-in, for tests that are about what stands around it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from bot.responders import Answer, Context, Question, Responder

Answering = Callable[[Question, Context], Answer]


class Model(Responder):
    """Answers at once whatever addresses the bot, and keeps what it was asked."""

    name = "llm"
    costs = True
    wants_history = True
    answers_everything = True

    def __init__(self, answer: Answering) -> None:
        self.asked: list[tuple[Question, Context]] = []
        self._answer = answer

    async def answer(self, question: Question, context: Context) -> AsyncGenerator[str | Answer, None]:
        """Answer as a whole."""
        self.asked.append((question, context))
        yield self._answer(question, context)


def actor() -> Model:
    """Return one that says who it is told to be, and about what."""
    return Model(
        lambda _, context: Answer(
            f"as {context.persona or 'myself'} about {context.topic or 'nothing'}", model="test:model"
        )
    )


def dear() -> Model:
    """Return one whose answers take a hundred tokens and half a dollar each."""
    price = 500_000
    return Model(
        lambda question, _: Answer(
            f"re: {question.text}", model="test:model", tokens_in=60, tokens_out=40, cost_micros=price
        )
    )
