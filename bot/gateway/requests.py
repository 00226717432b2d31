"""What every request to Discord is under: a time limit of ours, an end to discord.py's own repeats, and how it fails.

discord.py repeats a POST by itself on 500, 502, 504 and 524, up to five times (docs/discord-facts.md, 1.3). A trace on
its HTTP session ends that, so every repeat is ours and comes after a look. The same trace times a request from the
moment it leaves, because a request that waits for a rate limit does not hang. It also looks who answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import timedelta
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp
import discord

from bot.gateway.origin import vouch

UNREADABLE = (
    discord.DiscordException,
    aiohttp.ClientError,
    OSError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RuntimeError,  # discord.py's, once its session is closed
)
"""What a request may raise where Discord, or whatever stands in front of it, can't be understood just now."""

asked_for: ContextVar[str] = ContextVar("kind of request", default="")
"""What is asked of Discord's API: a method and a path without ids or tokens; "" where the API is not asked."""
_OURS = {"POST": ("/messages",), "GET": ("/users/@me", "/oauth2/applications/@me", "/gateway/bot")}
"""Ends of paths whose repeats are ours: a message is looked for first, a login has its own pauses."""

_timeout: ContextVar[asyncio.Timeout | None] = ContextVar("request timeout", default=None)
_still_next: ContextVar[Callable[[], Awaitable[bool]] | None] = ContextVar("still next", default=None)


class NoLongerNext(Exception):
    """While a request waited for its turn, something else came that goes first: it did not leave."""


class ServerFault(Exception):
    """Discord answered with 5xx what we repeat ourselves: a POST may have taken effect."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


def tracing(limit: timedelta) -> aiohttp.TraceConfig:
    """Return the trace that times requests, looks who answers those within :func:`asking`, and ends repeats.

    Of discord.py's own repeats, only those of a POST to ``/messages`` do harm.
    """

    async def started(_session: object, _context: SimpleNamespace, _params: aiohttp.TraceRequestStartParams) -> None:
        _reschedule(limit.total_seconds())

    async def ended(_session: object, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        # Any answer still has a body to come.
        _reschedule(limit.total_seconds())
        response = params.response
        # A portal may have led it elsewhere.
        asked = response.history[0] if response.history else response
        fails = response.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if fails and asked.url.path.endswith(_OURS.get(asked.method, ())):
            response.release()
            raise ServerFault(response.status)
        if asked_for.get():
            await vouch(response)

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


@contextmanager
def asking(kind: str) -> Iterator[None]:
    """Let requests within the context be such to Discord's API, of one kind."""
    token = asked_for.set(kind)
    try:
        yield
    finally:
        asked_for.reset(token)


@contextmanager
def unless_overtaken(still_next: Callable[[], Awaitable[bool]]) -> Iterator[None]:
    """Ask of a request within the context that had to wait for its turn, whether it is still the next one."""
    token = _still_next.set(still_next)
    try:
        yield
    finally:
        _still_next.reset(token)


async def leave() -> None:
    """Return where a request that waited may leave now; raise NoLongerNext where something else goes first."""
    still_next = _still_next.get()
    if still_next is not None and not await still_next():
        raise NoLongerNext


def untimed() -> None:
    """Stop the time of :func:`timed`: what follows is a wait, and no request."""
    _reschedule(None)


def _reschedule(seconds: float | None) -> None:
    timeout = _timeout.get()
    if timeout is not None and not timeout.expired():
        now = asyncio.get_running_loop().time()
        timeout.reschedule(None if seconds is None else now + seconds)
