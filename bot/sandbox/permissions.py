"""Permission bits, and a user's permissions in a guild or channel (permissions.mdx)."""

from __future__ import annotations

from enum import IntFlag

from bot.sandbox.errors import ControlError
from bot.sandbox.models import Channel, ChannelKind, Guild


class Permission(IntFlag):
    """The bits that the sandbox checks or hands out."""

    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    CHANGE_NICKNAME = 1 << 26
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38
    MODERATE_MEMBERS = 1 << 40


ALL = Permission(0)
for _permission in Permission:
    ALL |= _permission

EVERYONE = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.ADD_REACTIONS
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.CHANGE_NICKNAME
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.CREATE_PRIVATE_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)


def parse(names: list[str]) -> int:
    """Add up permissions by name (``SEND_MESSAGES`` or ``send_messages``); raise ControlError for an unknown one."""
    bits = 0
    for name in names:
        try:
            bits |= Permission[str(name).upper()]
        except KeyError:
            known = ", ".join(sorted(permission.name or "" for permission in Permission))
            message = f"{name!r} is not a permission: choose from {known}."
            raise ControlError(message) from None
    return int(bits)


def in_guild(guild: Guild, user_id: int) -> int:
    """Compute a member's permissions in the whole guild; 0 for users who are no members."""
    member = guild.members.get(user_id)
    if member is None:
        return 0
    if guild.owner_id == user_id:
        return int(ALL)
    bits = guild.roles[guild.id].permissions
    for role_id in member.role_ids:
        bits |= guild.roles[role_id].permissions
    return int(ALL) if bits & Permission.ADMINISTRATOR else bits


def effective(channel: Channel, user_id: int) -> int:
    """Compute a user's permissions in a channel: guild, then overwrites of @everyone, roles, member."""
    cached = channel.permission_cache.get(user_id)
    if cached is None:
        cached = channel.permission_cache[user_id] = _effective(channel, user_id)
    return cached


def _effective(channel: Channel, user_id: int) -> int:
    if channel.guild is None:
        return int(ALL) if any(user.id == user_id for user in channel.recipients) else 0
    place = channel.parent or channel
    bits = in_guild(channel.guild, user_id)
    if bits == int(ALL) or not bits:
        return bits
    everyone = place.overwrites.get(channel.guild.id)
    if everyone:
        bits = bits & ~everyone.deny | everyone.allow
    roles = [place.overwrites[role] for role in channel.guild.members[user_id].role_ids if role in place.overwrites]
    for overwrite in roles:
        bits &= ~overwrite.deny
    for overwrite in roles:
        bits |= overwrite.allow
    own = place.overwrites.get(user_id)
    if own:
        bits = bits & ~own.deny | own.allow
    # A private thread is there for its members, and for who manages threads (threads.mdx, "Permissions").
    private = channel.kind is ChannelKind.PRIVATE_THREAD and not bits & Permission.MANAGE_THREADS
    if private and user_id not in channel.member_ids:
        return 0
    return bits if bits & Permission.VIEW_CHANNEL else 0


def allows(channel: Channel, user_id: int, permission: Permission) -> bool:
    """Tell whether a user holds a permission in a channel."""
    return bool(effective(channel, user_id) & permission)


def forget(guild: Guild) -> None:
    """Clear the cached permissions of a guild after roles, members or overwrites changed."""
    for channel in (*guild.channels.values(), *guild.threads.values()):
        channel.permission_cache.clear()
