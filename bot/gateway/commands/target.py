"""Which channel and message a command is about, and whether the asker may see that channel.

A moderator of a server sees no more of it than Discord shows them: another channel than the one they are in is looked
up with their own permissions there. From a private channel nothing else can be reached.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import discord

from bot.errors import EcholessError

LINK = re.compile(
    r"https?://(?:\w+\.)?discord(?:app)?\.com/channels/(?:@me|\d{1,20})/(?P<channel>\d{1,20})/(?P<message>\d{1,20})/?"
)
CHANNEL = re.compile(r"<#(?P<mention>\d{1,20})>|(?P<id>\d{1,20})")
MESSAGE = re.compile(r"\d{1,20}")


class Refused(EcholessError):
    """Somebody asked for what they may not see or do."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a command is about; ``message_id`` None where no message was named."""

    channel_id: int
    message_id: int | None = None


def parse_message(text: str) -> Target | None:
    """Read a message's link, or its id alone (then in channel 0: the one of the command); None for anything else."""
    if link := LINK.fullmatch(text.strip()):
        return Target(int(link["channel"]), int(link["message"]))
    return Target(0, int(text)) if MESSAGE.fullmatch(text.strip()) else None


def channel_of_link(text: str | None) -> int | None:
    """Return the channel that a message's link names, None for any other text."""
    link = LINK.fullmatch(text.strip()) if text else None
    return int(link["channel"]) if link else None


async def target_of(interaction: discord.Interaction, channel: str | None = None, *points: str | None) -> int:
    """Return the channel a command is about: the one named, the one that links name, or where it was used.

    Raises Refused for a channel that the asker can't see, and EcholessError for what names none or several.
    """
    named = None if channel is None else _named(channel)
    links = {found for found in map(channel_of_link, points) if found is not None}
    chosen = links | ({named} if named is not None else set())
    if len(chosen) > 1:
        raise EcholessError("The links and the channel name different channels: keep to one of them.")
    channel_id = next(iter(chosen), interaction.channel_id or 0)
    await require_visible(interaction, channel_id)
    return channel_id


async def message_of(interaction: discord.Interaction, text: str, channel: str | None = None) -> Target:
    """Return the message that a link or an id names, and its channel; raise as :func:`target_of`."""
    found = parse_message(text)
    if found is None or found.message_id is None:
        raise EcholessError("That is no message: give its link (Copy Message Link) or its id.")
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
    linked = channel_of_link(text)
    if linked is None:
        raise EcholessError("That is no channel: choose one from the list, or give its id.")
    return linked
