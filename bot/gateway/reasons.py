"""Why a request or a connection failed, in words. Log lines and ``echoless check`` say the same.

Only statuses and types are told, because a server's text may hold people's words, and a path a secret.
"""

from __future__ import annotations

import os

import aiohttp
import discord
from discord.http import Route

from bot.gateway.origin import Intercepted
from bot.gateway.requests import ServerFault

API, GATEWAY = "Discord", "a gateway of Discord"

SILENT_THREADS = "threads that are active already are read once somebody writes in them"
"""The consequence when a server does not list its active threads."""

_SECRET = ("/webhooks/", "/interactions/")
"""Paths that hold a token."""


def reason(error: BaseException) -> str:
    """Return the reason of an error in words."""
    if isinstance(error, discord.HTTPException):
        return f"{_asked(error)}status {error.status}"
    if isinstance(error, ServerFault | Intercepted | aiohttp.ClientResponseError):
        return f"status {error.status}"
    if isinstance(error, discord.RateLimited):
        return f"asked to wait for {error.retry_after:.0f} s"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.InvalidURL):
        return "the address can't be used"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno) if error.errno > 0 else "the name can't be resolved"
    if isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError | OSError):
        return "the connection was cut"
    if isinstance(error, discord.ConnectionClosed):
        return f"closed with code {error.code}"
    return f"what it says can't be read: {type(error).__name__}"


def complaint(url: str, error: BaseException, expected: str = API) -> str:
    """Return a sentence about the failure of ``url``, which should have answered as ``expected``."""
    status = getattr(error, "status", 0)
    if isinstance(status, int) and status >= 500:  # noqa: PLR2004 - HTTP's line: it is the server's own failure
        return f"{url} fails ({reason(error)})."
    if isinstance(error, discord.RateLimited | OSError | aiohttp.ClientConnectionError | aiohttp.ClientPayloadError):
        return f"{url} does not answer ({reason(error)})."
    return f"{url} answers, but not as {expected} does ({reason(error)})."


def _asked(error: discord.HTTPException) -> str:
    response = error.response
    path = str(response.url).partition("?")[0].removeprefix(Route.BASE)
    if not isinstance(response, aiohttp.ClientResponse) or any(secret in path for secret in _SECRET):
        return ""
    return f"{response.method} {path}: "
