"""Which channel and message a command is about, and whether the asker may see that channel.

A moderator of a server sees no more of it than Discord shows them: another channel than the one they are in is looked
up with their own permissions there. From a private channel nothing else can be reached.
"""

from __future__ import annotations

from dataclasses import dataclass

import discord

from bot.errors import EcholessError
from bot.moderation import Moderation, ModerationError
from bot.moderation.points import Point, parse_channel, parse_message, parse_point


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


async def target_of(interaction: discord.Interaction, channel: str | None = None) -> int:
    """Return the channel a command is about: the one named, or where it was used.

    Raises Refused for a channel that the asker can't see, and ModerationError for what names none.
    """
    channel_id = (interaction.channel_id or 0) if channel is None else _named(channel)
    await require_visible(interaction, channel_id)
    return channel_id


async def target_at(
    interaction: discord.Interaction, moderation: Moderation, channel: str | None, *points: str | None
) -> int:
    """Return the channel that points in time belong to: named, by a link, or by the message that one of them is.

    Raises as :func:`target_of`, and ModerationError where several channels are named.
    """
    named = None if channel is None else _named(channel)
    found = [point_of(text) for text in points]
    chosen = {each for each in (named, *(point.channel_id for point in found)) if each is not None}
    if len(chosen) > 1:
        raise ModerationError("The links and the channel name different channels: keep to one of them.")
    if not chosen:
        return await _holding(interaction, moderation, *(point.message_id for point in found))
    (channel_id,) = chosen
    await require_visible(interaction, channel_id)
    return channel_id


async def message_of(
    interaction: discord.Interaction, moderation: Moderation, text: str, channel: str | None = None
) -> Target:
    """Return the message that a link or an id names, and its channel; raise as :func:`target_at`."""
    found = parse_message(text)
    if found is None or found.message_id is None:
        raise ModerationError("That is no message: give its link (Copy Message Link) or its id.")
    return Target(await target_at(interaction, moderation, channel, text), found.message_id)


async def _holding(interaction: discord.Interaction, moderation: Moderation, *message_ids: int | None) -> int:
    """Return the channel of the first message that is in one the asker can see; else the one that they are in.

    So a message that they can't see is like one that there is not.
    """
    for message_id in message_ids:
        channel_id = None if message_id is None else await moderation.channel_with(message_id)
        if channel_id is not None and await _sees(interaction, channel_id):
            return channel_id
    return interaction.channel_id or 0


async def require_visible(interaction: discord.Interaction, channel_id: int) -> None:
    """Raise Refused unless the asker can see the channel and read back in it."""
    if not await _sees(interaction, channel_id):
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


async def _sees(interaction: discord.Interaction, channel_id: int) -> bool:
    if channel_id and channel_id == interaction.channel_id:
        return True
    return visible(interaction, await _find(interaction, channel_id))


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
    channel_id = parse_channel(text)
    if channel_id is None:
        raise ModerationError("That is no channel: choose one from the list, or give its id.")
    return channel_id
