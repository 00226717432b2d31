"""A responder answers at once, later, or piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from bot.responders import Anew, Answer, Context, Question, Reply, Responder, Said, ask, at_once

QUESTION = Question(channel_id=1, message_id=2, author_id=3, author="Ada", text="hello")
NOTHING = Context()


class AtOnce(Responder):
    """Answers by a plain method."""

    def __init__(self, said: Said = "hi") -> None:
        self.said = said
        self.asked = 0

    def answer(self, question: Question, context: Context) -> Reply:
        """Say it."""
        del question, context
        self.asked += 1
        return self.said


class Later(AtOnce):
    """Answers by a coroutine."""

    async def answer(self, question: Question, context: Context) -> Said:
        """Say it in the next turn of the loop."""
        del question, context
        self.asked += 1
        await asyncio.sleep(0)
        return self.said


class Pieces(Responder):
    """Answers piece by piece; ``left``: nobody listens any more."""

    left = False

    def __init__(self, *pieces: str | Anew | Answer) -> None:
        self.pieces = pieces

    async def answer(self, question: Question, context: Context) -> AsyncGenerator[str | Anew | Answer, None]:
        """Say it."""
        del question, context
        try:
            for piece in self.pieces:
                await asyncio.sleep(0)
                yield piece
        finally:
            self.left = True


@pytest.mark.parametrize(
    ("responder", "answer", "shown"),
    [
        pytest.param(AtOnce(), Answer("hi"), [], id="a text at once"),
        pytest.param(AtOnce(Answer("hi", rule="1")), Answer("hi", rule="1"), [], id="an answer at once"),
        pytest.param(AtOnce(None), None, [], id="silence at once"),
        pytest.param(Later(), Answer("hi"), [], id="a text later"),
        pytest.param(Later(Answer("hi", model="m")), Answer("hi", model="m"), [], id="an answer later"),
        pytest.param(Later(None), None, [], id="silence later"),
        pytest.param(Pieces("h", "i"), Answer("hi"), ["h", "i"], id="pieces"),
        pytest.param(Pieces("h", "i", Answer("hi", model="m")), Answer("hi", model="m"), ["h", "i"], id="and an end"),
        pytest.param(Pieces(Answer("hi")), Answer("hi"), [], id="nothing to show before the end"),
        pytest.param(Pieces(), None, [], id="no piece"),
        pytest.param(Pieces("hm", Anew(), "h", "i"), Answer("hi"), ["hm", Anew(), "h", "i"], id="pieces anew"),
    ],
)
async def test_each_way_gives_an_answer(responder: Responder, answer: Answer | None, shown: list[str | Anew]) -> None:
    """And shows what it grows by."""
    seen: list[str | Anew] = []

    assert answer == await ask(responder, QUESTION, NOTHING, seen.append)
    assert shown == seen


@pytest.mark.parametrize("responder", [AtOnce(5), Later(5), Pieces("h", 5)])  # type: ignore[arg-type]
async def test_what_is_no_text_is_an_error(responder: Responder) -> None:
    """It counts as a failed attempt."""
    with pytest.raises(TypeError):
        await ask(responder, QUESTION, NOTHING)


async def test_who_takes_too_long_is_left_and_its_work_ended() -> None:
    """After its own time."""
    responder = Pieces(*["word "] * 1_000_000)
    responder.timeout = 0.01

    with pytest.raises(TimeoutError):
        await ask(responder, QUESTION, NOTHING)

    assert responder.left


def flagged(responder: AtOnce, **flags: bool) -> AtOnce:
    """Return a responder with flags."""
    for name, value in flags.items():
        setattr(responder, name, value)
    return responder


@pytest.mark.parametrize(
    "responder",
    [
        pytest.param(Later(), id="one that may wait"),
        pytest.param(flagged(AtOnce(), costs=True), id="one that costs"),
        pytest.param(flagged(AtOnce(), wants_history=True), id="one that wants history"),
    ],
)
def test_who_can_not_answer_at_once_is_asked_in_its_turn(responder: AtOnce) -> None:
    """Nothing of its work has begun before."""
    assert at_once(responder, QUESTION) is None
    assert responder.asked == 0


def test_who_streams_is_not_asked_at_once() -> None:
    """However soon it would be ready."""
    assert at_once(Pieces("hi"), QUESTION) is None
    assert at_once(AtOnce(), QUESTION) == Answer("hi")
