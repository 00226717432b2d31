"""Prompts that are too long, by the wire forms of the servers that say so, and the sizes that servers tell."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pydantic_ai.models import override_allow_model_requests
from structlog.testing import capture_logs

from bot.responders import ModelFailed, Trouble, Utterance
from bot.responders.llm.models import candidates
from bot.responders.llm.server import ask as ask_server
from bot.responders.llm.settings import ModelEndpoint
from tests.responders.llm.asking import Asking, ask
from tests.responders.llm.wire import TEXT, Wire, chunk, events, response, well

HOLDS = 2000
"""Tokens of a prompt that the servers here take."""

HISTORY = tuple(Utterance(number, "Ada", "SECRET " * 45, by_bot=False) for number in range(1, 60))
LLAMA = {
    "code": 400,
    "message": "request (4200 tokens) exceeds the available context size (2048 tokens), try increasing it",
    "type": "exceed_context_size_error",
    "n_prompt_tokens": 4200,
    "n_ctx": 2048,
}
OLDER = "the request exceeds the available context size. try increasing the context size or enable context shift"
KEPT = (
    "Trying to keep the first 4200 tokens when context the overflows. However, the model is loaded with context length "
    "of only 2048 tokens, which is not enough."
)
KEEP = (
    "The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 4200>= n_ctx: 2)"
)
MAXIMUM = "This model's maximum context length is 2048 tokens. However, you requested 5200 tokens (SECRET)."
VLLM = {"object": "error", "message": MAXIMUM, "type": "BadRequestError", "param": None, "code": 400}

REFUSALS = {
    "llama-server": (response({"error": LLAMA}, 400), response({"error": LLAMA}, 400)),
    "llama-server, older": (response({"error": {"code": 500, "message": OLDER, "type": "server_error"}}, 500),) * 2,
    "llama-server behind a proxy": (response({"error": LLAMA}), response({"error": LLAMA})),
    "llama_cpp.server": (
        events(),
        response({"error": {"message": "Requested tokens (4200) exceed context window of 2048", "code": None}}, 500),
    ),
    "llama_cpp.server, cut": (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        response("Internal Server Error", 400, "text/plain"),
    ),
    "LM Studio": (
        events(b"event: error\ndata: " + json.dumps({"error": {"message": KEPT}, "message": KEPT}).encode() + b"\n\n"),
        response({"error": KEPT}),
    ),
    "LM Studio, newer": (response({"error": KEEP}, 400), response({"error": KEEP}, 400)),
    "LM Studio, without a word": (
        events(chunk({"role": "assistant"}), chunk({}, "stop"), "[DONE]"),
        response({"error": "Error in channel handler"}),
    ),
    "vLLM": (response(VLLM, 400), response(VLLM, 400)),
    "vLLM, newer": (response({"error": VLLM}, 400), response({"error": VLLM}, 400)),
    "vLLM, no room for the answer": (
        response({"error": VLLM | {"message": "max_tokens must be at least 1, got -344."}}, 400),
    )
    * 2,
    "Ollama": (response({"error": {"message": json.dumps({"error": LLAMA}), "type": "api_error"}}, 400),) * 2,
    "OpenAI": (
        response(
            {"error": {"message": MAXIMUM, "type": "invalid_request_error", "code": "context_length_exceeded"}}, 400
        ),
    )
    * 2,
    "an unknown server": (response({"error": "no"}, 400), response("<html>no</html>", 400, "text/html")),
    "a proxy": (response("<html>Request Entity Too Large</html>", 413, "text/html"),) * 2,
    "a server without words": (response(b""), response(b"")),
}


@pytest.fixture(autouse=True)
def _may_ask() -> Iterator[None]:
    with override_allow_model_requests(allow_model_requests=True):
        yield


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("server", REFUSALS)
async def test_shorter_prompts_are_tried_whatever_a_server_says(
    asking: Asking, server: str, *, streaming: bool
) -> None:
    """What it took is what the next prompt is held to: that one is not refused."""
    refusal = REFUSALS[server][not streaming]
    wire = Wire(lambda asked: well(asked) if asked.size <= HOLDS else refusal)

    async with wire.serve():
        responder = asking(url=wire.url, context_tokens=4000, streaming=streaming)
        with capture_logs() as lines:
            _, answer = await ask(responder, history=HISTORY)
        tried = len(wire.prompts)
        _, second = await ask(responder, history=HISTORY)

    assert (answer.text, second.text) == (TEXT, TEXT)
    assert 2 <= tried <= 3
    assert len(wire.prompts) == tried + 1
    assert answer.cut > 20
    (condition,) = responder.condition()
    assert 0 < condition.tokens < 4000
    assert "SECRET" not in str(lines)


@pytest.mark.parametrize("server", ["llama-server", "LM Studio", "vLLM", "Ollama", "OpenAI"])
async def test_too_long_is_said_where_nothing_helps(asking: Asking, server: str) -> None:
    """After three prompts, each half as long; nothing of the server's words is told."""
    wire = Wire(lambda asked: REFUSALS[server][0] if asked.body else response({}, 404))

    async with wire.serve():
        responder = asking(url=wire.url, context_tokens=4000)
        with pytest.raises(ModelFailed) as failed:
            await ask(responder, history=HISTORY)

    assert failed.value.trouble is Trouble.TOO_LONG
    assert failed.value.reason.startswith("openai:tiny: too long (")
    assert "SECRET" not in failed.value.reason
    sizes = [asked.size for asked in wire.prompts]
    assert len(sizes) == 3
    assert sizes == sorted(sizes, reverse=True)


async def test_a_short_question_that_is_refused_is_not_asked_again(asking: Asking) -> None:
    """There is nothing to leave out."""
    wire = Wire(lambda asked: response({"error": "no"}, 400) if asked.body else response({}, 404))

    async with wire.serve():
        with pytest.raises(ModelFailed) as failed:
            await ask(asking(url=wire.url))

    assert failed.value.reason == "openai:tiny: question refused (HTTP 400)"
    assert len(wire.prompts) == 1


def _list(**more: object) -> bytes:
    return response({"object": "list", "data": [{"id": "tiny", "object": "model", **more}]})


NOTHING = response({"error": "no such path"}, 404)
TELLING = {
    "vLLM": {"/v1/models": _list(owned_by="vllm", max_model_len=2048)},
    "llama-server": {
        "/v1/models": _list(owned_by="llamacpp", meta={"n_ctx_train": 131072, "n_params": 1}),
        "/props": response({"default_generation_settings": {"n_ctx": 2048, "id": 0}, "total_slots": 1}),
    },
    "llama-server, newer": {"/v1/models": _list(owned_by="llamacpp", meta={"n_ctx_train": 131072, "n_ctx": 2048})},
    "LM Studio": {
        "/v1/models": _list(owned_by="organization_owner"),
        "/api/v0/models": response(
            {"data": [{"id": "tiny", "loaded_context_length": 2048, "max_context_length": 9999}]}
        ),
    },
    "Ollama, set": {
        "/v1/models": response({"data": [{"id": "tiny:latest", "owned_by": "library"}]}),
        "/api/show": response({"parameters": "temperature 0.6\nnum_ctx                        2048\n"}),
    },
    "Ollama, loaded": {
        "/v1/models": response({"data": [{"id": "tiny:latest", "owned_by": "library"}]}),
        "/api/show": response({"model_info": {"qwen3.context_length": 40960}}),
        "/api/ps": response({"models": [{"name": "tiny:latest", "model": "tiny:latest", "context_length": 2048}]}),
    },
    "Ollama, neither": {
        "/v1/models": response({"data": [{"id": "tiny:latest", "owned_by": "library"}]}),
        "/api/show": response({"model_info": {"general.architecture": "qwen3", "qwen3.context_length": 2048}}),
        "/api/ps": response({"models": []}),
    },
}


@pytest.mark.parametrize("server", TELLING)
async def test_a_size_that_a_server_tells_is_used(asking: Asking, server: str) -> None:
    """Before anything is refused: prompt and answer fit into it together."""
    wire = Wire(
        lambda asked: well(asked) if asked.path.endswith("completions") else TELLING[server].get(asked.path, NOTHING)
    )

    async with wire.serve():
        responder = asking(url=wire.url, context_tokens=4000, max_tokens=1500)
        await ask(responder, history=HISTORY)

    (prompt,) = wire.prompts
    assert prompt.size < 1024 * 1.3
    assert prompt.body["max_tokens"] == 1024
    (condition,) = responder.condition()
    assert condition.tokens == 1024


@pytest.mark.parametrize(
    "sent",
    [
        response(b"["),
        response([1, 2]),
        response({"data": [7, {"id": ["tiny"]}, {"id": {"tiny": 1}, "max_model_len": "many"}]}),
        response({"data": [{"id": "tiny", "max_model_len": -5, "meta": 7, "n_ctx": 10**30}]}),
        response("[" * 100_000),
        response("9" * 5000),
        b"nonsense",
        b"",
    ],
)
async def test_what_a_server_tells_may_be_nonsense(sent: bytes) -> None:
    """Then nothing is known, and nothing is raised."""
    async with Wire(lambda _asked: sent).serve() as wire:
        (candidate,) = candidates(ModelEndpoint("openai:tiny", base_url=wire.url), {}, max_tokens=10, temperature=None)
        told = await ask_server(candidate)

    assert (told.known, told.context) == (False, 0) or told.models == ("tiny",)
    assert told.context == 0
