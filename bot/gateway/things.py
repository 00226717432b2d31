"""The ids of what callers name by discord.py's objects."""

from __future__ import annotations

from typing import TypeAlias

import discord

ChannelLike: TypeAlias = discord.abc.Snowflake | int
"""A channel, thread or private channel, or its id."""
Messageable: TypeAlias = discord.abc.Messageable | int
"""Where discord.py posts: a channel, thread, person or command's context; or the id of a channel."""
MessageLike: TypeAlias = discord.Message | discord.PartialMessage
"""A message, whole or in part."""


def id_of(channel: ChannelLike) -> int:
    """Return the id of a channel."""
    return channel if isinstance(channel, int) else channel.id


async def channel_id_of(channel: Messageable) -> int:
    """Return the id of the channel in which discord.py would post; a person's private channel is opened for it."""
    if isinstance(channel, int):
        return channel
    found = await channel._get_channel()  # noqa: SLF001 - what discord.py's own send() asks
    return found.id


def parts_of(message: MessageLike) -> tuple[int, int, int]:
    """Return the ids of a message's channel, of the message, and of its author (0: not known)."""
    author = getattr(message, "author", None)
    return message.channel.id, message.id, author.id if author is not None else 0
