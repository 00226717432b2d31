"""Who may use which command, and of which channel: by what Discord resolved and what the settings say, nothing else.

Discord hides commands by ``default_member_permissions``, which is a hint that a server may change and a client may
ignore (docs: application commands, permissions). This is the check.

A moderator of a server sees no more of it than Discord shows them: another channel than the one they are in is looked
up with their own permissions there. From a private channel nothing else can be reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import discord

from bot.errors import EcholessError
from bot.eventlog.reader import Reader
from bot.gateway.invocation import Asker
from bot.moderation.command import ModerationError
from bot.moderation.points import Point, channel_of_message, parse_channel, parse_point

ADMINISTRATOR = 1 << 3
"""The permission that stands for all others (docs: permissions)."""

PERMISSIONS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "administrator": (ADMINISTRATOR, "Administrator"),
        "manage_guild": (1 << 5, "Manage Server"),
        "manage_channels": (1 << 4, "Manage Channels"),
        "manage_roles": (1 << 28, "Manage Roles"),
        "manage_messages": (1 << 13, "Manage Messages"),
        "moderate_members": (1 << 40, "Timeout Members"),
        "kick_members": (1 << 1, "Kick Members"),
        "ban_members": (1 << 2, "Ban Members"),
        "view_audit_log": (1 << 7, "View Audit Log"),
    }
)
"""What the settings may name: each permission's bit, and what Discord's client calls it (docs: permissions)."""

DIRECT = "In direct messages these commands are for the owner of this bot alone: use them in a channel of your server."


class NotAllowed(EcholessError):
    """Somebody asked for what they may not see or do."""


@dataclass(frozen=True, slots=True)
class Named:
    """Roles and people that the settings let in."""

    roles: frozenset[int] = frozenset()
    people: frozenset[int] = frozenset()

    def admits(self, asker: Asker) -> bool:
        """Tell whether somebody is named, or has a role that is."""
        return asker.user_id in self.people or not self.roles.isdisjoint(asker.roles)


@dataclass(frozen=True, slots=True)
class AccessRules:
    """The settings: members with ``permission``, those named, and the bot's owners, who alone may in direct messages.

    ``named`` holds for every command that ``commands`` does not name.
    """

    permission: str
    named: Named
    commands: Mapping[str, Named]
    owners: frozenset[int]

    @property
    def bit(self) -> int:
        """Return the permission as Discord writes it."""
        return PERMISSIONS[self.permission][0]

    def refusal(self, asker: Asker, command: str) -> str | None:
        """Return why somebody may not use a command, as a sentence for them; None when they may."""
        if asker.user_id in self.owners:
            return None
        if asker.guild_id is None:
            return DIRECT
        if self._permitted(asker.permissions) or self._named(command).admits(asker):
            return None
        return (
            f"You may not use this command: it takes the permission {PERMISSIONS[self.permission][1]} in this server, "
            "or a role or a name in the bot's settings."
        )

    def _named(self, command: str) -> Named:
        """Return who is let in by name: of ``persona set``, those of ``persona``."""
        return self.commands.get(command) or self.commands.get(command.partition(" ")[0]) or self.named

    def _permitted(self, held: int) -> bool:
        return bool(held & ADMINISTRATOR) or held & self.bit == self.bit


async def channel_meant(
    interaction: discord.Interaction, reader: Reader, channel: str | None, *points: str | None
) -> int:
    """Return the channel a command is about: named, by a link, by a message that one of the points is, or else here.

    Raises NotAllowed for a channel that the asker can't see, and ModerationError for what names none, or several.
    """
    named = None if channel is None else _named(channel)
    found = [_point_of(text) for text in points]
    chosen = {each for each in (named, *(point.channel_id for point in found)) if each is not None}
    if len(chosen) > 1:
        raise ModerationError("The links and the channel name different channels: keep to one of them.")
    if not chosen:
        return await _holding(interaction, reader, *(point.message_id for point in found))
    (channel_id,) = chosen
    await require_visible(interaction, channel_id)
    return channel_id


async def _holding(interaction: discord.Interaction, reader: Reader, *message_ids: int | None) -> int:
    """Return the channel of the first message that is in one the asker can see; else the one that they are in.

    So a message that they can't see is like one that there is not.
    """
    for message_id in message_ids:
        channel_id = None if message_id is None else await channel_of_message(reader, message_id)
        if channel_id is not None and await _sees(interaction, channel_id):
            return channel_id
    return interaction.channel_id or 0


async def require_visible(interaction: discord.Interaction, channel_id: int) -> None:
    """Raise NotAllowed unless the asker can see the channel and read back in it."""
    if not await _sees(interaction, channel_id):
        raise NotAllowed("I know of no such channel that you can see: name one of this server that is open to you.")


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


def _point_of(text: str | None) -> Point:
    """Return the message and the channel that a text names, as far as it names any."""
    try:
        return parse_point(text or "", now=0)
    except ModerationError:
        return Point()
