"""Whatever a server sends ends in an answer, in another model's, or in a reason: nothing else comes out."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic_ai.models import override_allow_model_requests

from bot.responders import Answer, ModelFailed
from bot.responders.llm import http
from bot.responders.llm.models import candidates
from bot.responders.llm.prices import Price
from bot.responders.llm.responder import LlmResponder, peers
from bot.responders.llm.settings import LlmSettings, ModelEndpoint, ModelPatience
from tests.responders.llm.asking import Asking, ask
from tests.responders.llm.wire import TEXT, USAGE, Asked, Wire, chunk, events, response, well

AT_ONCE = 8
HASTY = ModelPatience(first_token=5, between=5, total=10)
PRICES = {"tiny": Price(1, 1), "elsewhere0": Price(1, 1)}
NOT_FOUND = response({"error": "no such path"}, 404)

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 7, 1.5, 1e300, 10**30, "", "\0", "x" * 5000, [], {}, [[]], [None], {"a": {}},
    "[DONE]", {"text": "x"}, ["x"], {"role": "user"}, "stop", "nobody knows",
)  # fmt: skip
BOMBS: tuple[bytes, ...] = (
    b"[" * 3000, b'{"a":' * 3000, b"1e999", b"9" * 5000, b"NaN", b"-Infinity", b"\xff\xfe", b'"\\ud800"', b"", b"null",
    b'{"error": 7}', b'{"error": {"message": ["x"]}}', b'{"choices": null}', b'{"choices": [{"delta": null}]}',
)  # fmt: skip


@pytest.fixture(autouse=True)
def _may_ask() -> Iterator[None]:
    with override_allow_model_requests(allow_model_requests=True):
        yield


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    """Yield the place of everything in a JSON value."""
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _places(inner, (*place, key))


def _changed(value: Any, place: tuple[Any, ...], dice: random.Random) -> Any:  # noqa: ANN401 - JSON
    """Return a copy of a JSON value with something odd in one place, or nothing there."""
    if not place:
        return dice.choice(ODD)
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    if dice.random() < 0.2:
        del inner[place[-1]]
    else:
        inner[place[-1]] = dice.choice(ODD)
    return copy


def _pieces() -> list[Any]:
    counted = chunk({}, usage=USAGE) | {"choices": []}
    thought = chunk({"reasoning_content": "Let me see."})
    return [
        chunk({"role": "assistant", "content": "All "}),
        thought,
        chunk({"content": "is well."}),
        chunk({}, "stop"),
        counted,
    ]


def _mutated(dice: random.Random) -> bytes:
    """Return a stream in which one to three things are wrong."""
    pieces: list[Any] = [*_pieces(), "[DONE]"]
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(pieces))
        match dice.randrange(6):
            case 0 | 1 if isinstance(pieces[at], Mapping):
                places = list(_places(pieces[at]))
                pieces[at] = _changed(pieces[at], dice.choice(places), dice)
            case 2:
                pieces[at] = b"data: " + dice.choice(BOMBS) + dice.choice((b"\n\n", b"\n", b""))
            case 3:
                pieces.insert(at, pieces[dice.randrange(len(pieces))])
            case 4:
                del pieces[at]
                pieces = pieces or [chunk({})]
            case _:
                pieces.insert(
                    at, dice.choice((b": ping\n", b"event: error\n", b"retry: x\n", b"\r", b"id\n\n", b"data\n\n"))
                )
    sent = events(*pieces)
    body = sent.index(b"\r\n\r\n") + 4
    for _ in range(dice.choice((0, 0, 0, 1, 4))):
        at = dice.randrange(body, len(sent)) if len(sent) > body else body
        sent = sent[:at] + dice.choice((b"", bytes([dice.randrange(256)]), sent[body:at])) + sent[at + 1 :]
    return sent[: dice.randrange(body, len(sent) + 1)] if dice.random() < 0.1 else sent


async def _outcome(responder: LlmResponder, words: str) -> tuple[str, Answer | ModelFailed]:
    try:
        _, answer = await ask(responder, words)
    except ModelFailed as failed:
        return "reason", failed
    return ("answer" if answer.model == "openai:tiny" else "fallback"), answer


@pytest.mark.parametrize("count", [250, pytest.param(1000, marks=pytest.mark.long)])
async def test_every_mutated_stream_ends_in_an_answer_a_fallback_or_a_reason(asking: Asking, count: int) -> None:
    """By a seed; what was spent is counted, and is a number that a log can hold."""
    dice = random.Random(14)
    streams = [_mutated(dice) for _ in range(count)]

    def answering(asked: Asked) -> bytes:
        if not asked.path.endswith("completions"):
            return NOT_FOUND
        return well(asked) if asked.body["model"] == "elsewhere0" else streams[_number(asked)]

    seen: dict[str, int] = {"answer": 0, "fallback": 0, "reason": 0}
    async with Wire(answering).serve() as wire:
        responders = [asking(url=wire.url, elsewhere=1, patience=HASTY, prices=PRICES) for _ in range(AT_ONCE)]

        async def work(first: int) -> None:
            for number in range(first, count, AT_ONCE):
                kind, outcome = await _outcome(responders[first], f"question {number:05}")
                seen[kind] += 1
                assert 0 <= outcome.tokens_in + outcome.tokens_out < 2**40
                assert kind != "answer" or (outcome.tokens_in > 0 and outcome.cost_micros > 0)

        await asyncio.gather(*(work(first) for first in range(AT_ONCE)))

    assert sum(seen.values()) == count
    assert min(seen.values()) > count // 50, seen


def _number(asked: Asked) -> int:
    """Return the number of the question that a request asks."""
    return int(str(asked.body["messages"][-1]["content"]).split()[-1])


ODD_ANSWER = {"choices": [{"message": {"content": 7}, "finish_reason": 9}], "usage": {"prompt_tokens": "x"}}
ODD_COUNT = {
    "choices": [{"message": {"role": "assistant", "content": "yes"}, "index": 0, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1e300, "completion_tokens": -4},
}


@pytest.mark.parametrize(
    "whole",
    [
        b"[" * 5000,
        b"9" * 5000,
        b'{"choices": 7}',
        b"null",
        b"<html>",
        b'{"choices": []}',
        json.dumps(ODD_ANSWER).encode(),
        json.dumps(ODD_COUNT).encode(),
    ],
)
async def test_an_odd_answer_that_comes_whole_reaches_the_fallback(asking: Asking, whole: bytes) -> None:
    """What it will have cost is counted along with that."""

    def answering(asked: Asked) -> bytes:
        if not asked.path.endswith("completions"):
            return NOT_FOUND
        return well(asked) if asked.body["model"] == "other0" else response(whole)

    async with Wire(answering).serve() as wire:
        _, answer = await ask(asking(url=wire.url, fallbacks=1, streaming=False))

    assert (answer.text, answer.model, answer.estimated) == (TEXT, "openai:other0", True)
    assert USAGE["prompt_tokens"] < answer.tokens_in < 2**40


class Endless:
    """Sends one piece again and again, and counts."""

    def __init__(self, kind: str, piece: bytes) -> None:
        self.head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode()
        self.piece = piece
        self.sent = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer without end, until nobody listens."""
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.head)
            while True:
                writer.write(self.piece)
                self.sent += len(self.piece)
                await writer.drain()
        except OSError:
            writer.close()


@pytest.mark.parametrize(
    ("kind", "piece", "most"),
    [
        ("text/event-stream", b"x" * 65536, http.LONGEST_EVENT),
        ("text/event-stream", b"data: x\n" * 8192, http.LONGEST_EVENT),
        ("text/event-stream", b": ping\n" * 8192, http.LONGEST_EVENT),
        ("application/json", b" " * 65536, http.LONGEST_ANSWER),
        ("text/event-stream", b'data: {"x": "' + b"y" * 8000 + b'"}\n\n', http.LONGEST_ANSWER),
    ],
    ids=["line", "event", "comments", "whole", "events"],
)
async def test_an_answer_without_end_is_broken_off(
    asking: Asking, monkeypatch: pytest.MonkeyPatch, kind: str, piece: bytes, most: int
) -> None:
    """Long before the time is over, so that it can't fill the memory."""
    monkeypatch.setattr(http, "LONGEST_ANSWER", 2 * http.LONGEST_EVENT)
    endless = Endless(kind, piece)
    server = await asyncio.start_server(endless.take, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        with pytest.raises(ModelFailed) as failed:
            await ask(asking(url=url, streaming=kind == "text/event-stream"))
    finally:
        server.close()

    assert failed.value.reason == "openai:tiny: an answer without end"
    assert endless.sent < 4 * most + 2**24  # what lies in the sockets comes on top


@pytest.mark.parametrize("provider", ["litellm", "moonshotai", "zai", "deepseek", "together", "cerebras"])
async def test_other_providers_answers_are_bounded_as_well(provider: str) -> None:
    """Whoever takes a client gets ours; most of them have one address, so that it is changed once they are made."""
    endless = Endless("text/event-stream", b"x" * 65536)
    server = await asyncio.start_server(endless.take, "127.0.0.1", 0)
    endpoint = ModelEndpoint(f"{provider}:tiny", key_env="KEY")
    (candidate,) = candidates(endpoint, {"KEY": "key"}, max_tokens=10, temperature=None)
    assert candidate.model.provider is not None
    candidate.model.provider.client.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    settings = LlmSettings(patience=HASTY)
    responder = LlmResponder(peers([candidate], settings), settings)
    try:
        with pytest.raises(ModelFailed) as failed:
            await ask(responder)
    finally:
        server.close()
        await responder.close()

    assert failed.value.reason == f"{provider}:tiny: an answer without end"
    assert endless.sent < 4 * http.LONGEST_EVENT + 2**24


async def test_a_packed_answer_is_not_taken(asking: Asking) -> None:
    """A kilobyte of it may be a gigabyte."""
    packed = well(Asked("POST", "", {"stream": True})).replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n", 1)

    async with Wire(lambda asked: packed if asked.body else NOT_FOUND).serve() as wire:
        with pytest.raises(ModelFailed) as failed:
            await ask(asking(url=wire.url))

    assert failed.value.reason == "openai:tiny: an answer without end"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_server_that_leads_elsewhere_is_not_followed(asking: Asking, status: int) -> None:
    """Neither what people wrote nor the key goes to a host that the settings do not name."""
    async with Wire(well).serve() as elsewhere:
        led = f"HTTP/1.1 {status} X\r\nLocation: {elsewhere.url}/chat/completions\r\nContent-Length: 0\r\n\r\n".encode()
        async with Wire(lambda _asked: led).serve() as wire:
            responder = asking(url=wire.url, patience=HASTY)
            with pytest.raises(ModelFailed):
                await ask(responder)
            await responder.look()

    assert elsewhere.asked == []
