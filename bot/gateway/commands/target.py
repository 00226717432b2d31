"""Which channel and message a command is about, and whether the asker may see that channel.

A moderator of a server sees no more of it than Discord shows them: another channel than the one they are in is looked
up with their own permissions there. From a private channel nothing else can be reached.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import discord

from bot.errors import EcholessError
from bot.moderation import ModerationError
from bot.moderation.points import Point, parse_point

CHANNEL = re.compile(r"<#(?P<mention>\d{1,19})>|(?P<id>\d{1,19})")


class Refused(EcholessError):
    """Somebody asked for what they may not see or do."""


@dataclass(frozen=True, slots=True)
class Target:
    """The message that a command is about, and its channel."""

    channel_id: int
    message_id: int


def point_of(text: str | None) -> Point:
    """Return the message and the channel that a text names, as far as it names any."""
    try:
        return parse_point(text or "", now=0)
    except ModerationError:
        return Point()


async def target_of(interaction: discord.Interaction, channel: str | None = None, *points: str | None) -> int:
    """Return the channel a command is about: the one named, the one that links name, or where it was used.

    Raises Refused for a channel that the asker can't see, and EcholessError for what names none or several.
    """
    named = None if channel is None else _named(channel)
    links = {found.channel_id for found in map(point_of, points) if found.channel_id is not None}
    chosen = links | ({named} if named is not None else set())
    if len(chosen) > 1:
        raise ModerationError("The links and the channel name different channels: keep to one of them.")
    channel_id = next(iter(chosen), interaction.channel_id or 0)
    await require_visible(interaction, channel_id)
    return channel_id


async def message_of(interaction: discord.Interaction, text: str, channel: str | None = None) -> Target:
    """Return the message that a link or an id names, and its channel; raise as :func:`target_of`."""
    found = point_of(text)
    if found.message_id is None:
        raise ModerationError("That is no message: give its link (Copy Message Link) or its id.")
    return Target(await target_of(interaction, channel, text), found.message_id)


async def require_visible(interaction: discord.Interaction, channel_id: int) -> None:
    """Raise Refused unless the asker can see the channel and read back in it."""
    if channel_id and channel_id == interaction.channel_id:
        return
    if not visible(interaction, await _find(interaction, channel_id)):
        raise Refused("I know of no such channel that you can see: name one of this server that is open to you.")


def visible(interaction: discord.Interaction, channel: object) -> bool:
    """Tell whether the asker can see a channel of the server they are in, and read what was said there."""
    member = interaction.user
    if not isinstance(member, discord.Member) or not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return False
    if channel.guild.id != interaction.guild_id:
        return False
    parent = channel.parent if isinstance(channel, discord.Thread) else channel
    if parent is None:
        return False
    held = parent.permissions_for(member)
    private = isinstance(channel, discord.Thread) and channel.is_private()
    return held.view_channel and held.read_message_history and (not private or held.manage_threads)


async def _find(interaction: discord.Interaction, channel_id: int) -> object:
    guild = interaction.guild
    if guild is None or not channel_id:
        return None
    known = guild.get_channel_or_thread(channel_id)
    if known is not None:
        return known
    try:
        # An archived thread is in no list that the gateway sends.
        return await interaction.client.fetch_channel(channel_id)
    except (discord.NotFound, discord.Forbidden, discord.InvalidData):
        return None


def _named(text: str) -> int:
    found = CHANNEL.fullmatch(text.strip())
    if found is not None:
        return int(found["mention"] or found["id"])
    linked = point_of(text).channel_id
    if linked is None:
        raise ModerationError("That is no channel: choose one from the list, or give its id.")
    return linked
