"""Who answered a request: Discord, or something between it and the bot.

A captive portal, a company's proxy or a firewall answers with any status, and often with a page. So the body's form
decides: Discord answers with JSON, its refusals with an object that holds ``code`` and ``message``. What is not of that
form is no verdict about anything: nobody knows whether Discord ever saw the request.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import discord

from bot.gateway.discord_py_faults import from_json

LEAST_CODE = 10_000
"""Discord's codes begin here; 0 stands for what has none (docs: JSON error codes)."""

LONGEST_WAIT = 86_400.0
"""Seconds: no rate limit is longer, whatever an answer says."""

SHUT_OUT_SECONDS = 5.0
"""How long to be quiet after a page that says "too many requests" and not for how long."""

HINT = "Something between the bot and Discord answers instead of it: check the network, a proxy and discord.api_url."

_STRAY = object()
"""What stands for a body that is no JSON."""


class Intercepted(aiohttp.ClientError):
    """Something between the bot and Discord answered; ``after`` are seconds for which it wants to be left alone."""

    def __init__(self, status: int, after: float | None = None) -> None:
        super().__init__(f"status {status}, not Discord's")
        self.status = status
        self.after = after


class TooMany(discord.RateLimited):
    """Discord said 429; ``everywhere``: for all requests of the bot."""

    def __init__(self, retry_after: float, *, everywhere: bool) -> None:
        super().__init__(retry_after)
        self.everywhere = everywhere


async def vouch(response: aiohttp.ClientResponse) -> None:
    """Return where Discord answered; raise Intercepted where it did not, and TooMany where it said so.

    A 5xx says nothing of either: it is nobody's verdict.
    """
    status = response.status
    if status == HTTPStatus.NO_CONTENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    said = _read(await response.read())
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = seconds(said.get("retry_after")) if isinstance(said, dict) else None
        if wait is None:
            raise Intercepted(status, seconds(response.headers.get("Retry-After")) or SHUT_OUT_SECONDS)
        raise TooMany(wait, everywhere=said.get("global") is True)
    fine = isinstance(said, dict | list) if status < HTTPStatus.MULTIPLE_CHOICES else _is_refusal(said)
    if not fine:
        raise Intercepted(status)


def believed(answer: Any) -> Any:  # noqa: ANN401 - Discord's JSON
    """Return Discord's JSON: discord.py leaves it a text where the server names its type otherwise than Discord."""
    return from_json(answer) if isinstance(answer, str) and answer else answer


def reread(error: discord.HTTPException) -> discord.HTTPException:
    """Return a refusal of Discord's with its code, which discord.py leaves in the text; see :func:`believed`."""
    said = _read(error.text) if not error.code else None
    return type(error)(error.response, said) if _is_refusal(said) else error


def seconds(value: object) -> float | None:
    """Return a time to wait as an answer names it, None where it names none."""
    try:
        wait = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return min(wait, LONGEST_WAIT) if wait >= 0 else None


def _is_refusal(said: object) -> bool:
    """Tell whether a body is an error of Discord's own."""
    if not isinstance(said, Mapping) or not isinstance(said.get("message"), str):
        return False
    code = said.get("code")
    return isinstance(code, int) and (code == 0 or code >= LEAST_CODE)


def _read(body: str | bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return from_json(body)
    except (ValueError, RecursionError):
        return _STRAY
