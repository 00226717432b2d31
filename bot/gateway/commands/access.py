"""Who may use which command, and for which channel, by the member that Discord resolved and by the settings.

Discord hides commands by ``default_member_permissions``. That is only a hint: a server may change it and a client may
ignore it (docs: application commands, permissions). The check is here.

Moderators of a server see only what Discord shows them: for a channel other than the one they are in, their own
permissions there decide. In a private channel a command can be about that channel only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import discord

from bot.errors import EcholessError
from bot.eventlog.reader import Reader
from bot.gateway.invocation import Asker
from bot.moderation.command import ModerationError
from bot.moderation.commands import for_all
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
"""The permissions that the settings may name: the bit, and the name in Discord's client (docs: permissions)."""

DIRECT = "In direct messages these commands are for the owner of this bot alone: use them in a channel of your server."
UNSEEN = "I know of no such channel that you can see: name one of this server that is open to you."


class NotAllowed(EcholessError):
    """Somebody asked for something that they may not see or do."""


@dataclass(frozen=True, slots=True)
class Named:
    """Roles and people that the settings allow."""

    roles: frozenset[int] = frozenset()
    people: frozenset[int] = frozenset()

    def admits(self, asker: Asker) -> bool:
        """Tell whether the person is named here, or has a role that is."""
        return asker.user_id in self.people or not self.roles.isdisjoint(asker.roles)


@dataclass(frozen=True, slots=True)
class AccessRules:
    """The settings of who may use commands: members with ``permission``, those named, and the bot's owners.

    In direct messages only owners may. ``named`` holds for every command that ``commands`` does not contain, and
    everybody may use those in ``for_all``, everywhere, and those in ``direct`` in their own direct messages.
    """

    permission: str
    named: Named
    commands: Mapping[str, Named]
    owners: frozenset[int]
    for_all: frozenset[str] = field(default_factory=for_all)
    direct: frozenset[str] = frozenset()

    @property
    def bit(self) -> int:
        """Return the permission as a bit of Discord's bit field."""
        return PERMISSIONS[self.permission][0]

    def refusal(self, asker: Asker, command: str) -> str | None:
        """Return the sentence that tells a person why they may not use a command, or None if they may."""
        if asker.user_id in self.owners or command in self.for_all:
            return None
        if asker.guild_id is None:
            return None if command in self.direct else DIRECT
        if self._permitted(asker.permissions) or self._named(command).admits(asker):
            return None
        return (
            f"You may not use this command: it takes the permission {PERMISSIONS[self.permission][1]} in this server, "
            "or a role or a name in the bot's settings."
        )

    def _named(self, command: str) -> Named:
        """Return who may use a command by name; ``persona set`` falls back to ``persona``."""
        return self.commands.get(command) or self.commands.get(command.partition(" ")[0]) or self.named

    def _permitted(self, held: int) -> bool:
        return bool(held & ADMINISTRATOR) or held & self.bit == self.bit


async def channel_meant(
    interaction: discord.Interaction, reader: Reader, channel: str | None, *points: str | None
) -> int:
    """Return the channel that a command is about.

    That is the named one, the one of a link, the one of the message that a point names, or else the one of the
    interaction. Raises NotAllowed for a channel that the asker can't see, and ModerationError if the text is no channel
    or the arguments name several.
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
    """Return the channel of the first message that the asker can see, or else the channel that they are in.

    So nobody can tell a message that they can't see from one that does not exist.
    """
    for message_id in message_ids:
        channel_id = None if message_id is None else await channel_of_message(reader, message_id)
        if channel_id is not None and await _sees(interaction, channel_id):
            return channel_id
    return interaction.channel_id or 0


async def require_visible(interaction: discord.Interaction, channel_id: int) -> None:
    """Raise NotAllowed unless the asker can see the channel and read its history."""
    if not await _sees(interaction, channel_id):
        raise NotAllowed(UNSEEN)


def require_unchanged(interaction: discord.Interaction, channels: Collection[int]) -> None:
    """Raise NotAllowed if the asker can't see one of the channels any more which an answer is about."""
    guild = interaction.guild
    for channel_id in channels:
        known = None if guild is None else guild.get_channel_or_thread(channel_id)
        if channel_id != interaction.channel_id and not visible(interaction, known):
            raise NotAllowed("Which channels you can see has changed: use the command again.")


def visible(interaction: discord.Interaction, channel: object) -> bool:
    """Tell whether the asker can see a channel of the server that they are in, and read its history."""
    member = interaction.user
    return isinstance(member, discord.Member) and seen_by(member, channel)


def seen_by(member: discord.Member, channel: object) -> bool:
    """Tell whether a member of a server can see a channel of it, and read its history."""
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread) or channel.guild.id != member.guild.id:
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
        # The gateway does not list archived threads.
        return await interaction.client.fetch_channel(channel_id)
    except (discord.NotFound, discord.Forbidden, discord.InvalidData):
        return None


def _named(text: str) -> int:
    channel_id = parse_channel(text)
    if channel_id is None:
        raise ModerationError("That is no channel: choose one from the list, or give its id.")
    return channel_id


def _point_of(text: str | None) -> Point:
    """Return the message and the channel that a text names, if it names any."""
    try:
        return parse_point(text or "", now=0)
    except ModerationError:
        return Point()
