"""What every request to Discord is under: a time limit of ours, an end to discord.py's own repeats, and how it fails.

discord.py repeats a POST by itself on 500, 502, 504 and 524, up to five times and without looking at the method. A
trace on its HTTP session ends that, so that every repeat is ours and comes after a look. The same trace times a request
from the moment it leaves: waiting for a rate limit is not a hanging request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp
import discord

UNREADABLE = (
    discord.DiscordException,
    aiohttp.ClientError,
    OSError,
    LookupError,
    TypeError,
    ValueError,
    RuntimeError,  # discord.py's, once its session is closed
)
"""What a request may raise where Discord, or whatever stands in front of it, can't be understood just now."""

_OURS = {"POST": ("/messages",), "GET": ("/users/@me", "/oauth2/applications/@me", "/gateway/bot")}
"""Ends of paths whose repeats are ours: a message is looked for first, a login has its own pauses."""

_timeout: ContextVar[asyncio.Timeout | None] = ContextVar("request timeout", default=None)


class ServerFault(Exception):
    """Discord answered with 5xx what we repeat ourselves: a POST may have taken effect."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


def tracing(limit: timedelta) -> aiohttp.TraceConfig:
    """Return the trace that times requests and ends discord.py's own repeats where they are ours."""

    async def started(_session: object, _context: SimpleNamespace, _params: aiohttp.TraceRequestStartParams) -> None:
        _reschedule(limit.total_seconds())

    async def ended(_session: object, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        status = params.response.status
        # After a 429 discord.py sleeps as long as Discord says; any other answer still has a body to come.
        _reschedule(None if status == HTTPStatus.TOO_MANY_REQUESTS else limit.total_seconds())
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR and params.url.path.endswith(_OURS.get(params.method, ())):
            params.response.release()
            raise ServerFault(status)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(started)
    trace.on_request_end.append(ended)
    return trace


@asynccontextmanager
async def timed() -> AsyncIterator[None]:
    """Bound what follows by a timeout that the trace starts when a request leaves."""
    async with asyncio.timeout(None) as timeout:
        token = _timeout.set(timeout)
        try:
            yield
        finally:
            _timeout.reset(token)


def _reschedule(seconds: float | None) -> None:
    timeout = _timeout.get()
    if timeout is not None and not timeout.expired():
        now = asyncio.get_running_loop().time()
        timeout.reschedule(None if seconds is None else now + seconds)
