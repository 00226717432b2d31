"""What a server sends beside the text: thoughts are used and never shown, a refusal is the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic_ai.models import override_allow_model_requests

from bot.responders import Anew
from bot.responders.protocol import Answer, Context
from tests.responders.llm.asking import Asking, ask, question
from tests.responders.llm.wire import Asked, Wire, chunk, events, response

THOUGHT = "SECRET: what is meant?"
SORRY = "I can't help with that."


@pytest.fixture(autouse=True)
def _may_ask() -> Iterator[None]:
    with override_allow_model_requests(allow_model_requests=True):
        yield


def streaming(*deltas: dict[str, Any]) -> bytes:
    """Return a stream of deltas with an end."""
    return events(*(chunk(delta) for delta in deltas), chunk({}, "stop"), "[DONE]")


def whole(message: dict[str, Any]) -> bytes:
    """Return an answer at once."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": None} | message}
    return response({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})


async def told(asking: Asking, body: bytes, **settings: object) -> tuple[list[str], Answer]:
    """Ask a server that sends these bytes."""

    def answering(asked: Asked) -> bytes:
        return body if asked.path.endswith("completions") else response({}, 404)

    async with Wire(answering).serve() as wire:
        return await ask(asking(url=wire.url, **settings))


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_thoughts_in_a_field_are_not_shown(asking: Asking, field: str) -> None:
    """They count as signs of life and as tokens where the server counts nothing."""
    shown, answer = await told(asking, streaming({field: THOUGHT}, {"content": "It is "}, {"content": "so."}))
    silent = await told(asking, whole({field: THOUGHT, "content": "It is so."}), streaming=False)

    assert "".join(shown) == answer.text == silent[1].text == "It is so."
    assert answer.tokens_out > len("It is so.") // 4


async def test_refusal_in_a_field_is_the_answer(asking: Asking) -> None:
    """The model is not asked again, and no other one."""
    shown, answer = await told(asking, streaming({"refusal": SORRY[:9]}, {"refusal": SORRY[9:]}))
    silent = await told(asking, whole({"refusal": SORRY}), streaming=False)

    assert "".join(shown) == answer.text == silent[1].text == SORRY
    assert answer.finish == silent[1].finish == "stop"


@pytest.mark.parametrize("at_once", [True, False])
async def test_signs_in_code_stay_and_those_around_them_go(asking: Asking, at_once: bool) -> None:  # noqa: FBT001 - a parameter
    """Whoever reads the server's answer leaves the text as it is."""
    text = f"<think>{THOUGHT}</think>Write `<think>` and `</think>`."
    tokens = ["<think>", THOUGHT, "</think>\n\n", "Write `", "<think>", "` and `</think>`."]
    body = whole({"content": text}) if at_once else streaming(*({"content": token} for token in tokens))

    _, answer = await told(asking, body, streaming=not at_once)

    assert answer.text == "Write `<think>` and `</think>`."


async def test_thoughts_without_a_beginning_are_taken_back_once(asking: Asking) -> None:
    """The next answer of that model is shown from the end of its thoughts on."""
    body = streaming({"content": THOUGHT}, {"content": "\n</thi"}, {"content": "nk>\n\nIt is "}, {"content": "so."})
    async with Wire(lambda _: body).serve() as wire:
        responder = asking(url=wire.url)
        first, second = [[piece async for piece in responder.answer(question(), Context())] for _ in range(2)]

    assert first[:-1] == [THOUGHT, Anew(), "It is", " so."]
    assert second[:-1] == ["It is", " so."]
    assert [str(each[-1].text) for each in (first, second) if isinstance(each[-1], Answer)] == ["It is so."] * 2
