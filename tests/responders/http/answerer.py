"""A real answerer on loopback, which keeps what it is posted and answers by a script."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web

from bot.responders.http.responder import HttpResponder
from bot.responders.http.settings import HttpSettings

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
Script = Callable[[web.Request, Any], Awaitable[web.StreamResponse]]


class Posted(NamedTuple):
    """A request: its headers, with names in lower case, and its JSON."""

    headers: dict[str, str]
    json: Any

    @property
    def key(self) -> str:
        """Return its Idempotency-Key, without the quotation marks."""
        return self.headers["idempotency-key"].strip('"')


class Answerer:
    """Takes questions. ``script`` answers them, ``posted`` holds all that came; ``signed``: signatures are checked."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.script: Script = saying({"text": "hello"})
        self.signed = True
        self.port = 0

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}/ask"

    @property
    def keys(self) -> list[str]:
        """Return the keys of all questions that came, repeats included."""
        return [posted.key for posted in self.posted if posted.json.get("type") != "check"]

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Check the signature, keep what came, and answer."""
        body = await request.read()
        if self.signed:
            number, moment = request.headers["webhook-id"], request.headers["webhook-timestamp"]
            expected = hmac.new(KEY, f"{number}.{moment}.".encode() + body, hashlib.sha256).digest()
            assert request.headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
        found = json.loads(body)
        self.posted.append(Posted({name.lower(): value for name, value in request.headers.items()}, found))
        return await self.script(request, found)

    def settings(self, **more: object) -> dict[str, object]:
        """Return the table of a bot that asks here; its secret is in the variable ANSWERER."""
        return {"url": self.url, "secret_env": "ANSWERER", **more}

    def responder(self, **more: object) -> HttpResponder:
        """Return a responder that asks here."""
        found = HttpSettings.model_validate({"url": self.url.replace("://", "://user:pass-word@"), **more})
        return HttpResponder(found, KEY if self.signed else b"", {"X-Team": "chat"}, time.time)


@asynccontextmanager
async def answering(port: int = 0) -> AsyncIterator[Answerer]:
    """Serve an answerer on loopback."""
    answerer = Answerer()
    application = web.Application(client_max_size=2**26)
    application.add_routes([web.post("/{path:.*}", answerer.take)])
    runner = web.AppRunner(application, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        answerer.port = runner.addresses[0][1]
        yield answerer
    finally:
        await runner.cleanup()


def saying(answer: object, status: int = 200, **headers: str) -> Script:
    """Return a script that answers everything with this JSON."""

    async def script(_request: web.Request, _asked: object) -> web.StreamResponse:
        return web.json_response(answer, status=status, headers=headers)

    return script


def streaming(*pieces: bytes, kind: str = "application/x-ndjson", ends: bool = True) -> Script:
    """Return a script that streams bytes as they are; without ``ends`` it cuts the connection behind them."""

    async def script(request: web.Request, _asked: object) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if not ends:
            assert request.transport is not None
            request.transport.abort()
        return response

    return script


async def dropping(request: web.Request, _asked: object) -> web.StreamResponse:
    """Cut the connection without a word."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
