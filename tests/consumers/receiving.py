"""A receiver of webhooks over real HTTP: it checks each signature and answers as a test has it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web

from bot.consumers.webhook import Webhook, WebhookSettings

KEY = b"k" * 32

Answer = Callable[[web.Request, list[dict[str, Any]]], Awaitable[web.StreamResponse]]


class Posted(NamedTuple):
    """A request that came, its signature checked."""

    headers: dict[str, str]
    lines: list[dict[str, Any]]

    @property
    def keys(self) -> list[str]:
        """Return the keys of its events."""
        return [line["key"] for line in self.lines]


class Receiver:
    """What came, and the answers to come: a status each, or a function; when there are none, 204."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.answers: list[int | Answer] = []
        self.port = 0

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Check the signature, keep what came, and answer."""
        body = await request.read()
        signed = b".".join(
            (request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), body)
        )
        expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        assert request.headers["webhook-signature"] == f"v1,{expected}"
        lines = json.loads(body)
        self.posted.append(Posted({name.lower(): value for name, value in request.headers.items()}, lines))
        answer = self.answers.pop(0) if self.answers else 204
        return web.Response(status=answer) if isinstance(answer, int) else await answer(request, lines)

    @property
    def keys(self) -> list[str]:
        """Return the keys of all events that came, repeats included."""
        return [key for posted in self.posted for key in posted.keys]

    def webhook(self, path: str = "", **settings: object) -> Webhook:
        """Return a consumer that posts here."""
        url = f"http://user:pass-word@127.0.0.1:{self.port}/{path}"
        return Webhook(WebhookSettings.model_validate({"url": url, **settings}), KEY, {"X-Team": "chat"})


@asynccontextmanager
async def receiving(port: int = 0) -> AsyncIterator[Receiver]:
    """Serve a receiver on loopback."""
    receiver = Receiver()
    application = web.Application(client_max_size=2**26)
    application.add_routes([web.post("/{path:.*}", receiver.take)])
    runner = web.AppRunner(application, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        receiver.port = runner.addresses[0][1]
        yield receiver
    finally:
        await runner.cleanup()
