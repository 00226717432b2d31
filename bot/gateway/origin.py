"""Who answered a request: Discord, or something between it and the bot.

A captive portal, a company's proxy or a firewall answers with any status, and often with a page. So the form of the
body decides. Discord answers with JSON; it refuses with an object that holds ``code`` and ``message``. An answer of any
other form says nothing about the request: nobody knows whether Discord saw it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import discord

from bot.gateway.bodies import TooLong, body_of
from bot.gateway.discord_py_faults import from_json

LEAST_CODE = 10_000
"""The smallest of Discord's codes, except 0 for errors without one (docs: JSON error codes)."""

LONGEST_WAIT = 86_400.0
"""The most seconds of a rate limit that are believed."""

SHUT_OUT_SECONDS = 5.0
"""Seconds to send nothing after a page that says "too many requests" without saying for how long."""

LONGEST_ANSWER = 32 * 2**20
"""Bytes of an answer; a page of history, the longest that is asked for, has a few of them."""

HINT = "Something between the bot and Discord answers instead of it: check the network, a proxy and discord.api_url."

_STRAY = object()
"""Stands for a body that is not JSON."""


class Intercepted(aiohttp.ClientError):
    """Something between the bot and Discord answered; ``after_seconds`` is how long it asks to wait."""

    def __init__(self, status: int, after_seconds: float | None = None) -> None:
        super().__init__(f"status {status}, not Discord's")
        self.status = status
        self.after_seconds = after_seconds


class TooMany(discord.RateLimited):
    """Discord answered with 429; ``everywhere``: for all requests of the bot."""

    def __init__(self, retry_after: float, *, everywhere: bool) -> None:
        super().__init__(retry_after)
        self.everywhere = everywhere


async def vouch(response: aiohttp.ClientResponse) -> None:
    """Return when Discord answered; raise Intercepted when something else did, and TooMany for Discord's 429.

    A 5xx passes: both Discord and others send it. An answer longer than any of Discord's is of something else.
    """
    status = response.status
    body = await _body(response)
    if status == HTTPStatus.NO_CONTENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    said = _read(body)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = seconds(said.get("retry_after")) if isinstance(said, dict) else None
        if wait is None:
            raise Intercepted(status, seconds(response.headers.get("Retry-After")) or SHUT_OUT_SECONDS)
        raise TooMany(wait, everywhere=said.get("global") is True)
    fine = isinstance(said, dict | list) if status < HTTPStatus.MULTIPLE_CHOICES else _is_refusal(said)
    if not fine:
        raise Intercepted(status)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of a response, which discord.py reads after this; raise Intercepted if it is longer than any."""
    try:
        body = await body_of(response, LONGEST_ANSWER)
    except TooLong:
        raise Intercepted(response.status) from None
    # aiohttp's own read() has no limit, and returns what is here.
    response._body = body  # noqa: SLF001
    return body


def believed(answer: Any) -> Any:  # noqa: ANN401 - Discord's JSON
    """Return Discord's JSON; discord.py leaves it a text when its content type differs (docs/discord-facts.md, 2)."""
    return from_json(answer) if isinstance(answer, str) and answer else answer


def reread(error: discord.HTTPException) -> discord.HTTPException:
    """Return Discord's error with its code, which discord.py may have left in the text; see :func:`believed`."""
    said = _read(error.text) if not error.code else None
    return type(error)(error.response, said) if _is_refusal(said) else error


def seconds(value: object) -> float | None:
    """Return the seconds to wait that an answer names, None when it names none."""
    try:
        wait = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return min(wait, LONGEST_WAIT) if wait >= 0 else None


def _is_refusal(said: object) -> bool:
    """Tell whether a body has the form of Discord's errors."""
    if not isinstance(said, Mapping) or not isinstance(said.get("message"), str):
        return False
    code = said.get("code")
    return isinstance(code, int) and (code == 0 or code >= LEAST_CODE)


def _read(body: str | bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return from_json(body)
    except (ValueError, RecursionError):
        return _STRAY
