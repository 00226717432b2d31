"""The rules for every request to Discord: our own time limit, no repeats by discord.py, and the errors it may raise.

discord.py repeats a POST by itself on 500, 502, 504 and 524, up to five times (docs/discord-facts.md, 1.3). A trace on
its HTTP session ends that, so every repeat is ours and comes after a look. The same trace times a request from the
moment it leaves, because a request that waits for a rate limit does not hang. It also looks who answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from datetime import timedelta
from http import HTTPStatus
from types import SimpleNamespace, TracebackType
from typing import Generic, TypeVar

import aiohttp
import discord

from bot.gateway.origin import Intercepted, vouch

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
"""The errors of a request when the answer of Discord, or of something in front of it, can't be understood."""

asked_for: ContextVar[str] = ContextVar("kind of request", default="")
"""The kind of a request to Discord's API: method and path without ids or tokens; "" for other requests."""
_OURS = {"POST": ("/messages", "/threads"), "GET": ("/users/@me", "/oauth2/applications/@me", "/gateway/bot")}
"""Ends of the paths that discord.py must not repeat: a message needs a look first, a login has its own pauses.

A thread is opened once whoever repeats it, but each failure has to count.
"""

_timeout: ContextVar[asyncio.Timeout | None] = ContextVar("request timeout", default=None)
_still_next: ContextVar[Callable[[], Awaitable[bool]] | None] = ContextVar("still next", default=None)


T = TypeVar("T")


class NoLongerNext(Exception):
    """While a request waited, another message came that has to go first. The request was not sent."""


class ServerFault(Exception):
    """Discord answered with 5xx a request that we repeat ourselves. A POST may have taken effect."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


def tracing(
    limit: timedelta, heard: Callable[[str | None], None] = lambda _date: None, *, shared: bool = False
) -> aiohttp.TraceConfig:
    """Return the trace that times requests, ends repeats, and checks who answers a request within :func:`asking`.

    Repeats by discord.py do harm only for a POST to ``/messages``. ``heard`` is called with the ``Date`` of each answer
    of Discord. ``shared``: others make requests on the session, too, and only those within :func:`timed` are ours.
    """

    def is_ours() -> bool:
        return not shared or _timeout.get() is not None

    async def started(_session: object, _context: SimpleNamespace, _params: aiohttp.TraceRequestStartParams) -> None:
        _reschedule(limit.total_seconds())

    async def ended(_session: object, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        if not is_ours():
            return
        response = params.response
        # The body of the answer is still to come, so the time starts again. discord.py's own client waits by itself
        # when Discord has had too many requests.
        waits = shared and response.status == HTTPStatus.TOO_MANY_REQUESTS
        _reschedule(None if waits else limit.total_seconds())
        fails = response.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if fails and response.url.path.endswith(_OURS.get(response.method, ())):
            response.release()
            raise ServerFault(response.status)
        if asked_for.get():
            await vouch(response)
        if asked_for.get() or shared:
            heard(response.headers.get("Date"))

    async def redirected(
        _session: object, _context: SimpleNamespace, params: aiohttp.TraceRequestRedirectParams
    ) -> None:
        # Discord's API redirects nobody.
        if asked_for.get():
            params.response.release()
            raise Intercepted(params.response.status)

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(redirected)
    trace.on_request_start.append(started)
    trace.on_request_end.append(ended)
    return trace


class timed:  # noqa: N801 - used as a function
    """Put a timeout around the context. The trace starts it when a request leaves.

    A class, as :class:`_Within` is: contextlib's managers made of generators take three times as long.
    """

    __slots__ = ("_timeout", "_token")

    async def __aenter__(self) -> None:
        self._timeout = asyncio.timeout(None)
        await self._timeout.__aenter__()
        self._token = _timeout.set(self._timeout)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _timeout.reset(self._token)
        await self._timeout.__aexit__(kind, error, traceback)


class _Within(Generic[T]):
    """Gives a context variable a value within the context."""

    __slots__ = ("_token", "_value", "_variable")

    def __init__(self, variable: ContextVar[T], value: T) -> None:
        self._variable = variable
        self._value = value

    def __enter__(self) -> None:
        self._token = self._variable.set(self._value)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._variable.reset(self._token)


def asking(kind: str) -> AbstractContextManager[None]:
    """Mark requests within the context as requests of ``kind`` to Discord's API."""
    return _Within(asked_for, kind)


def unless_overtaken(still_next: Callable[[], Awaitable[bool]]) -> AbstractContextManager[None]:
    """After a wait of a request within the context, check with ``still_next`` that it may still go."""
    return _Within(_still_next, still_next)


async def leave() -> None:
    """Return when a request that waited may leave now; raise NoLongerNext when another has to go first."""
    still_next = _still_next.get()
    if still_next is not None and not await still_next():
        raise NoLongerNext


def untimed() -> None:
    """Stop the time of :func:`timed`, because a wait follows and not a request."""
    _reschedule(None)


def _reschedule(seconds: float | None) -> None:
    timeout = _timeout.get()
    if timeout is not None and not timeout.expired():
        now = asyncio.get_running_loop().time()
        timeout.reschedule(None if seconds is None else now + seconds)
