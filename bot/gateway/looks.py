"""Looks into a channel's history for what the bot sent, and for the question that it answers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import discord

from bot.core.fate import Look, Sighting
from bot.gateway.button_rows import row_of
from bot.gateway.history import page_of
from bot.gateway.places import may_read_history
from bot.gateway.requests import UNREADABLE, timed
from bot.gateway.snowflakes import NoSnowflake, snowflake
from bot.replies.sender import LookFailed

PAGES = 100


async def look(
    client: discord.Client, own_id: int, channel_id: int, since_id: int, questions: Collection[int] = ()
) -> Look:
    """Return the messages of the account ``own_id`` from message ``since_id`` on, the oldest first.

    A history shows nothing, too, to whoever may not read it. So those of ``questions`` that it lacks are asked for one
    by one. Raises LookFailed where trying again may help.
    """
    try:
        messages, complete = await _history(client, channel_id, since_id - 1)
        present = {int(message["id"]) for message in messages}
        lacking = [each for each in questions if each not in present] if complete else []
        present |= {each for each in lacking if await _is_there(client, channel_id, each)}
    except (discord.Forbidden, discord.NotFound):
        return Look((), readable=False)
    except discord.RateLimited as error:
        raise LookFailed("rate limit", error.retry_after) from error
    except UNREADABLE as error:
        raise LookFailed(f"history: {type(error).__name__}") from error
    # Responses to commands are the bot's own messages too, but not parts of a reply.
    own = (message for message in messages if _author_of(message) == own_id)
    sightings = tuple(_sighting(message) for message in own if message.get("webhook_id") is None)
    readable = complete and (bool(messages) or may_read_history(client, channel_id))
    return Look(sightings, frozenset(present), readable=readable)


async def stands(client: discord.Client, channel_id: int, message_id: int) -> bool:
    """Tell whether a message is in a channel; one that can't be looked for counts as there."""
    try:
        return await _is_there(client, channel_id, message_id)
    except (*UNREADABLE, discord.Forbidden, discord.RateLimited):
        return True


async def _is_there(client: discord.Client, channel_id: int, message_id: int) -> bool:
    try:
        async with timed():
            await client.http.get_message(channel_id, message_id)
    except discord.NotFound:
        return False
    return True


async def _history(client: discord.Client, channel_id: int, after_id: int) -> tuple[list[Any], bool]:
    """Return the messages after ``after_id``, oldest first, and whether these are all of them."""
    messages: list[Any] = []
    for _ in range(PAGES):
        page = await page_of(client, channel_id, after_id)
        messages += page.messages
        if not page.full:
            return messages, True
        after_id = int(messages[-1]["id"])
    return messages, False


def _author_of(message: Any) -> int:  # noqa: ANN401 - Discord's JSON
    """Return the author's id of a message, 0 when it has none."""
    try:
        return snowflake(message["author"]["id"])
    except (NoSnowflake, LookupError, TypeError):
        return 0


def _sighting(message: Any) -> Sighting:  # noqa: ANN401 - Discord's JSON
    try:
        reply_to = snowflake(message["message_reference"]["message_id"])
    except (NoSnowflake, LookupError, TypeError):
        reply_to = None
    return Sighting(int(message["id"]), reply_to, str(message.get("content") or ""), row_of(message))
