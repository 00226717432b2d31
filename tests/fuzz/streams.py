"""What a model's server may send: streams and whole answers, damaged, in pieces of any size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import httpx2
from hypothesis import strategies as st
from pydantic_ai.models import override_allow_model_requests

from bot.responders import Answer, Context, ModelFailed, Question
from bot.responders.llm.models import candidates
from bot.responders.llm.responder import LlmResponder, peers
from bot.responders.llm.settings import LlmSettings, ModelEndpoint
from tests.fuzz.harness import Target
from tests.fuzz.odd import JSON, TEXTS, Strategy, damaged, table, written

ASKED = Question(1, 100, 7, "Ada", "Who are you?")


class Sent(NamedTuple):
    """A response: whether a stream is asked for, its status and type, its body, and the size of its pieces."""

    streaming: bool
    status: int
    kind: str
    body: bytes
    size: int


_HEAD = {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "tiny"}
_END = (_HEAD | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},)
_DELTA = table({}, {"role": st.just("assistant"), "content": TEXTS, "reasoning_content": TEXTS, "tool_calls": JSON})
_CHOICE = table(
    {"index": st.just(0), "delta": _DELTA},
    {"finish_reason": st.sampled_from([None, "stop", "length", "content_filter"]), "message": _DELTA},
)
_CHUNK = table(
    {
        "id": TEXTS,
        "object": st.sampled_from(["chat.completion.chunk", "chat.completion"]),
        "created": st.just(1),
        "model": st.just("tiny"),
        "choices": st.lists(_CHOICE, max_size=2),
    },
    {
        "usage": table(
            {
                "prompt_tokens": st.integers(0, 9),
                "completion_tokens": st.integers(0, 9),
                "total_tokens": st.integers(0, 9),
            }
        ),
        "error": JSON,
    },
)
_SAID = st.sampled_from(
    [
        {"index": 0, "delta": {"role": "assistant", "content": "All is well."}, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ]
)
_WELL = st.builds(lambda choice: _HEAD | {"choices": [choice]}, _SAID)
_EVENTS: Strategy = st.lists(st.one_of(_WELL, _WELL, _WELL, _CHUNK), max_size=4).map(
    lambda chunks: b"".join(b"data: " + written(each) + b"\n\n" for each in (*chunks, *_END)) + b"data: [DONE]\n\n"
)
_WHOLE = st.one_of(
    _CHUNK,
    st.builds(
        lambda message, more: (
            _HEAD
            | {
                "object": "chat.completion",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"} | more],
            }
        ),
        table({"role": st.just("assistant"), "content": TEXTS}, {"reasoning_content": TEXTS}),
        st.dictionaries(TEXTS, JSON, max_size=1),
    ),
)
_STATUS = st.sampled_from([200] * 8 + [400, 401, 404, 413, 429, 500, 503, 301, 204])
_SIZE = st.sampled_from([1_000_000, 7, 1])
_SENT = st.one_of(
    st.builds(Sent, st.just(True), _STATUS, st.just("text/event-stream"), damaged(_EVENTS), _SIZE),  # noqa: FBT003
    st.builds(Sent, st.just(False), _STATUS, st.just("application/json"), damaged(_WHOLE.map(written)), _SIZE),  # noqa: FBT003
    st.builds(
        Sent,
        st.booleans(),
        _STATUS,
        st.sampled_from(["text/html", ""]),
        damaged(st.one_of(_EVENTS, _CHUNK.map(written))),
        _SIZE,
    ),
)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, sent: Sent) -> None:
        self._sent = sent

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # A body of a thousand pieces is as good as a longer one.
        size = max(self._sent.size, len(self._sent.body) // 1000)
        for start in range(0, len(self._sent.body), size or 1):
            yield self._sent.body[start : start + size]


class _Transport(httpx2.AsyncBaseTransport):
    sent = Sent(True, 200, "", b"", 1)  # noqa: FBT003

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        del request
        headers = {"Content-Type": self.sent.kind, "Location": "http://127.0.0.1:1/", "Retry-After": "1e999"}
        return httpx2.Response(self.sent.status, headers=headers, stream=_Body(self.sent))


def _fit(sent: Sent) -> Sent:
    """Return a response whose type a header can hold."""
    return sent._replace(kind="".join(filter(str.isprintable, sent.kind.encode("ascii", "ignore").decode())))


@contextmanager
def stream_target() -> Iterator[Target]:
    """Return the target: a responder whose server is here."""
    transport = _Transport()
    settings = LlmSettings()
    endpoint = ModelEndpoint("openai:tiny", (), base_url="http://127.0.0.1:9/v1")
    (candidate,) = candidates(endpoint, {"OPENAI_API_KEY": "none"}, max_tokens=9, temperature=None)
    assert candidate.client is not None
    candidate.client._transport = transport

    async def take(sent: Sent) -> None:
        transport.sent = sent
        # A server of one's own is asked for more, once; here only for the answer.
        asked = peers([replace(candidate, own=False)], settings)
        responder = LlmResponder(asked, replace(settings, streaming=sent.streaming))
        pieces = [piece async for piece in responder.answer(ASKED, Context())]
        assert isinstance(pieces[-1], Answer)

    with override_allow_model_requests(allow_model_requests=True), asyncio.Runner() as runner:
        try:
            yield Target("stream", _SENT, lambda sent: runner.run(take(sent)), (ModelFailed,), _fit)
        finally:
            runner.run(candidate.client.aclose())
