"""A language model that says what it is told to, over HTTP in the wire format of OpenAI's chat completions.

    python -m tests.responders.llm.model_server --port 0 --rate 50

Whole answers and streams (SSE), usage in the last chunk where it is asked for, and every way in which such a server
fails. What it says is made of the last message, so that two questions never get the same answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web

MODEL = "tiny"
PATH = "/v1/chat/completions"


class Fault(StrEnum):
    """How a request fails."""

    UNAUTHORIZED = "401"
    RATE_LIMIT = "429"
    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    TOO_LONG = "too long"
    FILTERED = "filtered"
    CUT = "cut"
    """The connection is lost in the middle."""
    UNFINISHED = "unfinished"
    """The stream ends in the middle as if it were whole, as behind some proxies."""
    INVALID_JSON = "invalid json"
    HANG = "hang"
    """Nothing comes."""
    STALL = "stall"
    """Nothing more comes in the middle."""
    ENDLESS = "endless"
    EMPTY = "empty"
    BLANK = "blank"
    """Blanks and nothing else, without end."""


@dataclass(frozen=True, slots=True)
class Script:
    """What one request is answered with; ``tokens`` None: words about the last message.

    ``thoughts`` come before it; ``hidden`` counts tokens that are thought and not told, ``cached`` those of the prompt
    that were in a cache. ``counting``: each piece comes
    with the usage until then. ``calls`` are tools that it asks for after what it says, with arguments as JSON.
    """

    tokens: Sequence[str] | None = None
    thoughts: Sequence[str] = ()
    hidden: int = 0
    cached: int = 0
    counting: bool = False
    fault: Fault | None = None
    finish: str = "stop"
    usage: bool = True
    calls: Sequence[tuple[str, str]] = ()


@dataclass(slots=True)
class Request:
    """A request that came; ``sent`` counts the tokens of the answer, ``left``: the client went away before the end.

    ``cached`` and ``hidden`` are as in its script.
    """

    body: Mapping[str, Any]
    authorization: str
    sent: int = 0
    left: bool = False
    cached: int = 0
    hidden: int = 0
    times: list[float] = field(default_factory=list)
    """When each token was sent, on the loop's clock."""


class ModelServer:
    """Serves one model; ``rate`` is in tokens a second (0: at once), ``first`` in seconds before the first token.

    ``scripts`` are used up one a request, in order; then every request gets ``script``.
    """

    def __init__(self, *, rate: float = 0.0, first: float = 0.0, length: int = 8) -> None:
        self.rate = rate
        self.first = first
        self.length = length
        self.script = Script()
        self.broken = ""
        """Whoever asks with this word gets a fault: this one."""
        self.breaks_by = Fault.SERVER_ERROR
        self.models: Sequence[str] = (MODEL,)
        self.scripts: deque[Script] = deque()
        self.requests: list[Request] = []
        self.active = 0
        self.most_active = 0
        self.stopping = asyncio.Event()
        self.app = web.Application()
        self.app.router.add_post(PATH, self._completions)
        self.app.router.add_get("/v1/models", self._models)
        self.url = ""

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[ModelServer]:
        """Listen while the context lasts; ``url`` is the base address for clients."""
        runner = web.AppRunner(self.app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        await site.start()
        self.url = f"http://{host}:{runner.addresses[0][1]}/v1"
        try:
            yield self
        finally:
            self.stopping.set()
            await runner.cleanup()

    async def _models(self, _request: web.Request) -> web.Response:
        listed = [{"id": model, "object": "model", "owned_by": "tests"} for model in self.models]
        return web.json_response({"object": "list", "data": listed})

    async def _completions(self, http: web.Request) -> web.StreamResponse:
        request = Request(await http.json(), http.headers.get("Authorization", ""))
        self.requests.append(request)
        script = self.scripts.popleft() if self.scripts else self.script
        if self.broken and self.broken in str(request.body["messages"][-1]["content"]):
            script = Script(fault=self.breaks_by)
        request.cached, request.hidden = script.cached, script.hidden
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        try:
            if refusal := _refusal(script.fault):
                return refusal
            if script.fault is Fault.HANG:
                await self.stopping.wait()
            await asyncio.sleep(self.first)
            if request.body.get("stream"):
                return await self._stream(http, request, script)
            return await self._whole(request, script)
        except (asyncio.CancelledError, ConnectionError):
            request.left = True
            raise
        finally:
            self.active -= 1

    async def _whole(self, request: Request, script: Script) -> web.Response:
        tokens = self._tokens(request, script)
        await asyncio.sleep(len(tokens) / self.rate if self.rate else 0)
        if script.fault is Fault.INVALID_JSON:
            return web.Response(body=b'{"choices": [', content_type="application/json")
        request.sent = len(tokens)
        message = {"role": "assistant", "content": "".join(tokens)} | _calls(script)
        choice = {"index": 0, "message": message, "finish_reason": _finish(script)}
        usage = {"usage": _usage(request)} if script.usage else {}
        return web.json_response(_envelope("chat.completion", [choice]) | usage)

    async def _stream(self, http: web.Request, request: Request, script: Script) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(http)
        await _send(response, _chunk({"role": "assistant", "content": ""}))
        request.sent = script.hidden
        for thought in script.thoughts:
            await _send(response, _chunk({"reasoning_content": thought}))
        tokens = self._tokens(request, script)
        due = asyncio.get_running_loop().time()
        for number, token in enumerate(tokens):
            due += 1 / self.rate if self.rate and number else 0
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            if number == len(tokens) // 2 and await self._fails_in_the_middle(http, response, script.fault):
                return response
            await self._say(response, request, token, counting=script.counting)
        while script.fault in {Fault.ENDLESS, Fault.BLANK}:
            await asyncio.sleep(1 / self.rate if self.rate else 0)
            await self._say(response, request, " \n" if script.fault is Fault.BLANK else "on and on ")
        if script.calls:
            await _send(response, _chunk(_calls(script)))
        await _send(response, _chunk({}, _finish(script)))
        if script.usage and (request.body.get("stream_options") or {}).get("include_usage"):
            await _send(response, _envelope("chat.completion.chunk", []) | {"usage": _usage(request)})
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _say(self, response: web.StreamResponse, request: Request, token: str, *, counting: bool = False) -> None:
        request.times.append(asyncio.get_running_loop().time())
        request.sent += 1
        await _send(response, _chunk({"content": token}) | ({"usage": _usage(request)} if counting else {}))

    async def _fails_in_the_middle(self, http: web.Request, response: web.StreamResponse, fault: Fault | None) -> bool:
        """Fail as told; tell whether the stream is over."""
        match fault:
            case Fault.CUT:
                if http.transport is not None:
                    http.transport.abort()
            case Fault.STALL:
                await self.stopping.wait()
            case Fault.INVALID_JSON:
                await response.write(b'data: {"choices": [\n\n')
            case Fault.UNFINISHED:
                pass
            case _:
                return False
        return True

    def _tokens(self, request: Request, script: Script) -> list[str]:
        if script.fault in {Fault.EMPTY, Fault.BLANK}:
            return []
        if script.tokens is not None or script.calls:
            return list(script.tokens or ())
        content = request.body["messages"][-1]["content"]
        text = content if isinstance(content, str) else content[0]["text"]
        about = text.split()[-1] if text.split() else "nothing"
        return [f"{about} ", *(f"word{number} " for number in range(self.length - 2)), "end."]


def _refusal(fault: Fault | None) -> web.Response | None:
    """Return the response of a server that refuses; its words quote what no log line may hold."""
    error = {"message": "SECRET prompt", "type": "server_error", "code": None}
    match fault:
        case Fault.UNAUTHORIZED:
            return web.json_response({"error": error | {"code": "invalid_api_key"}}, status=401)
        case Fault.RATE_LIMIT:
            return web.json_response({"error": error}, status=429, headers={"Retry-After": "7"})
        case Fault.SERVER_ERROR:
            return web.json_response({"error": error}, status=500)
        case Fault.UNAVAILABLE:
            return web.json_response({"error": error}, status=503)
        case Fault.FILTERED:
            return web.json_response({"error": error | {"code": "content_policy_violation"}}, status=400)
        case Fault.TOO_LONG:
            return web.json_response({"error": error | {"code": "context_length_exceeded"}}, status=400)
        case _:
            return None


def _finish(script: Script) -> str:
    return "tool_calls" if script.calls else script.finish


def _calls(script: Script) -> dict[str, Any]:
    calls = [
        {"index": at, "id": f"own{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for at, (name, arguments) in enumerate(script.calls)
    ]
    return {"tool_calls": calls} if calls else {}


def _usage(request: Request) -> dict[str, Any]:
    read = sum(len(json.dumps(message)) for message in request.body["messages"]) // 4
    usage = {"prompt_tokens": read, "completion_tokens": request.sent, "total_tokens": read + request.sent}
    details = {
        "prompt_tokens_details": {"cached_tokens": request.cached},
        "completion_tokens_details": {"reasoning_tokens": request.hidden},
    }
    return usage | (details if request.cached else {})


def _envelope(kind: str, choices: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": MODEL, "choices": choices}


def _chunk(delta: Mapping[str, object], finish: str | None = None) -> dict[str, Any]:
    return _envelope("chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": finish}])


async def _send(response: web.StreamResponse, data: Mapping[str, Any]) -> None:
    await response.write(f"data: {json.dumps(data)}\n\n".encode())


async def _main(port: int, rate: float, first: float, length: int, fault: Fault | None) -> None:
    async with ModelServer(rate=rate, first=first, length=length).serve(port=port) as server:
        server.script = Script(fault=fault)
        print(server.url, flush=True)  # noqa: T201 - whoever starts it reads the address
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 is a free one")
    parser.add_argument("--rate", type=float, default=50.0, help="tokens a second, 0 for all at once")
    parser.add_argument("--first", type=float, default=0.0, help="seconds before the first token")
    parser.add_argument("--length", type=int, default=100, help="tokens of an answer")
    parser.add_argument("--fault", type=Fault, choices=list(Fault), help="how every request fails")
    arguments = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_main(**vars(arguments)))
