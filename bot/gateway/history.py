"""A page of a channel's history, in Discord's own JSON."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import discord
import structlog

from bot.gateway.origin import Intercepted
from bot.gateway.requests import timed
from bot.gateway.snowflakes import NoSnowflake, snowflake

PAGE = 100
"""The most messages in one page of history (docs/discord-facts.md, 1.2)."""

_log = structlog.get_logger()


class Page(NamedTuple):
    """Messages, oldest first; ``full``: there may be newer ones after them."""

    messages: list[Any]
    full: bool


async def page_of(client: discord.Client, channel_id: int, after_id: int | None) -> Page:
    """Return the messages after ``after_id`` (None: the newest ones); messages without an id are left out.

    Raises any error of a request, and Intercepted when the answer is not a history.
    """
    async with timed():
        found = await client.http.logs_from(channel_id, PAGE, after=after_id)
    if not isinstance(found, list):
        raise Intercepted(HTTPStatus.OK)
    messages = [data for data in found if _has_id(data)]
    if found and not messages:
        raise Intercepted(HTTPStatus.OK)
    if len(messages) < len(found):
        _log.error("message.unreadable", channel=channel_id, messages=len(found) - len(messages))
    return Page(sorted(messages, key=lambda data: int(data["id"])), len(found) >= PAGE)


def _has_id(data: object) -> bool:
    try:
        return isinstance(data, Mapping) and snowflake(data.get("id")) > 0
    except NoSnowflake:
        return False
