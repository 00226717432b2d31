"""The requests that start a thread from a message, and look whether one was."""

from __future__ import annotations

from typing import Any

import discord
import structlog

from bot.gateway.requests import timed
from bot.gateway.snowflakes import snowflake

ARCHIVED_AFTER = 1440
"""Minutes without a message after which a thread is archived, if its channel does not say (docs: channel object)."""

_log = structlog.get_logger()


async def start_thread(client: discord.Client, channel_id: int, starter_id: int, title: str) -> int:
    """Start a thread from a message and return its id; it is archived when the channel's threads are."""
    minutes = archived_after(client, channel_id)
    data = await client.http.start_thread_with_message(
        channel_id, starter_id, name=title, auto_archive_duration=minutes
    )
    return snowflake(data["id"])


def archived_after(client: discord.Client, channel_id: int) -> Any:  # noqa: ANN401 - discord.py's literal
    """Return the minutes after which the threads of a channel are archived."""
    channel = client.get_channel(channel_id)
    return getattr(channel, "default_auto_archive_duration", None) or ARCHIVED_AFTER


async def is_thread(client: discord.Client, thread_id: int) -> bool:
    """Tell whether a thread is there; False also where that can't be found out."""
    try:
        async with timed():
            data = await client.http.get_channel(thread_id)
        return snowflake(data["id"]) == thread_id and "thread_metadata" in data
    except Exception as error:  # noqa: BLE001 - then nobody answers in it
        _log.debug("thread.not_found", thread=thread_id, error=type(error).__name__)
        return False
