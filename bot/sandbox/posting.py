"""Changes of messages: post, edit, delete, react. The REST routes check who may do it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.sandbox import intents
from bot.sandbox.events import Dispatch
from bot.sandbox.json_codec import Json, whole_text
from bot.sandbox.message_payloads import event_payload
from bot.sandbox.models import Channel, Guild, Message, MessageKind, MessageReaction, User
from bot.sandbox.payloads import member_payload
from bot.sandbox.permissions import Permission, allows
from bot.sandbox.snowflakes import wall_clock_ms
from bot.sandbox.world import World

_MENTION = re.compile(r"<@(?P<role>&)?!?(?P<id>\d{1,20})>")
_CODE = re.compile(r"```.+?```|(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_EVERYONE = re.compile(r"@(?:everyone|here)\b")


@dataclass(slots=True)
class AllowedMentions:
    """Which mentions take effect; by default all of them (message.mdx, "Allowed Mentions")."""

    everyone: bool = True
    every_user: bool = True
    every_role: bool = True
    user_ids: set[int] = field(default_factory=set)
    role_ids: set[int] = field(default_factory=set)
    replied_user: bool = True


def post(
    world: World, message: Message, *, reply_to: Message | None = None, allowed: AllowedMentions | None = None
) -> Message:
    """Post a message: MESSAGE_CREATE, after THREAD_UPDATE if it wakes an archived thread."""
    channel = message.channel
    message.id = world.snowflakes.next()
    message.content = whole_text(message.content)
    if reply_to is not None:
        message.reference = _reference(reply_to)
        if message.kind is MessageKind.DEFAULT:
            message.kind = MessageKind.REPLY
    # Who is added or removed stands beside a system message, and not in a text.
    named = message.mentions
    set_mentions(world, message, allowed or AllowedMentions(), reply_to)
    message.mentions = message.mentions or named
    if channel.is_thread:
        channel.member_ids.add(message.author.id)
        if channel.archived:
            # Clients forget archived threads, so they get the thread before the message in it.
            world.change_channel(channel, name=channel.name, locked=channel.locked)
    world.keep(message)
    if not message.ephemeral:
        _emit_message(world, "MESSAGE_CREATE", message, with_nonce=True)
    else:
        world.whisper("MESSAGE_CREATE", message)
    return message


def _reference(target: Message) -> Json:
    reference: Json = {"type": 0, "channel_id": str(target.channel.id), "message_id": str(target.id)}
    if target.channel.guild is not None:
        reference["guild_id"] = str(target.channel.guild.id)
    return reference


def set_mentions(world: World, message: Message, allowed: AllowedMentions, reply_to: Message | None) -> None:
    """Set the mentions of a message, from its text and the message that it answers; what stands in code is none."""
    users: dict[int, User] = {}
    roles: list[int] = []
    guild = message.channel.guild
    if "<@" in message.content:
        for match in _MENTION.finditer(_CODE.sub(" ", message.content)):
            target = int(match["id"])
            if match["role"]:
                if _role_allowed(guild, target, allowed) and target not in roles:
                    roles.append(target)
            elif target in world.users and (allowed.every_user or target in allowed.user_ids):
                users[target] = world.users[target]
    if reply_to is not None and allowed.replied_user:
        users[reply_to.author.id] = reply_to.author
    message.mentions = list(users.values())
    message.mention_roles = roles
    message.mention_everyone = (
        allowed.everyone
        and "@" in message.content
        and bool(_EVERYONE.search(message.content))
        and allows(message.channel, message.author.id, Permission.MENTION_EVERYONE)
    )


def _role_allowed(guild: Guild | None, role_id: int, allowed: AllowedMentions) -> bool:
    return guild is not None and role_id in guild.roles and (allowed.every_role or role_id in allowed.role_ids)


def announce_edit(world: World, message: Message) -> None:
    """Mark a message as edited: MESSAGE_UPDATE with the full message."""
    message.edited_id = world.snowflakes.next()
    announce_update(world, message)


def announce_update(world: World, message: Message) -> None:
    """Announce that a message changed, without marking it as edited: MESSAGE_UPDATE."""
    if message.ephemeral:
        world.whisper("MESSAGE_UPDATE", message)
    else:
        _emit_message(world, "MESSAGE_UPDATE", message, with_nonce=False)


def _emit_message(world: World, name: str, message: Message, *, with_nonce: bool) -> None:
    data = event_payload(message, world.messages.get, with_nonce=with_nonce)
    _emit_in(world, name, data, message.channel, intents.GUILD_MESSAGES, message)


def repeat(world: World, message: Message) -> None:
    """Send MESSAGE_CREATE of a message once more, as a faulty delivery."""
    _emit_message(world, "MESSAGE_CREATE", message, with_nonce=True)


def delete(world: World, message: Message) -> None:
    """Delete a message: MESSAGE_DELETE."""
    _forget(message)
    if message.ephemeral:
        world.whisper("MESSAGE_DELETE", message)
        return
    channel = message.channel
    data = {"id": str(message.id), **_place(channel)}
    _emit_in(world, "MESSAGE_DELETE", data, channel, intents.GUILD_MESSAGES)


def bulk_delete(world: World, channel: Channel, messages: Iterable[Message]) -> None:
    """Delete several messages of a channel: one MESSAGE_DELETE_BULK."""
    ids = []
    for message in messages:
        _forget(message)
        ids.append(str(message.id))
    data = {"ids": ids, **_place(channel)}
    _emit_in(world, "MESSAGE_DELETE_BULK", data, channel, intents.GUILD_MESSAGES)


def _forget(message: Message) -> None:
    message.deleted = True
    ids = message.channel.message_ids
    index = bisect_left(ids, message.id)
    if index < len(ids) and ids[index] == message.id:
        del ids[index]


def react(world: World, message: Message, user: User, emoji: Json) -> None:
    """Put an emoji on a message: MESSAGE_REACTION_ADD."""
    reaction = next((item for item in message.reactions if item.emoji == emoji), None)
    if reaction is None:
        reaction = MessageReaction(emoji)
        message.reactions.append(reaction)
    if user.id in reaction.user_ids:
        return
    reaction.user_ids.append(user.id)
    data = _reaction_data(message, user, emoji) | {
        "message_author_id": str(message.author.id),
        "burst": False,
        "type": 0,
    }
    guild = message.channel.guild
    if guild is not None and user.id in guild.members:
        data["member"] = member_payload(guild.members[user.id], with_user=True)
    _emit_in(world, "MESSAGE_REACTION_ADD", data, message.channel, intents.GUILD_MESSAGE_REACTIONS)


def unreact(world: World, message: Message, user: User, emoji: Json) -> bool:
    """Take an emoji off a message: MESSAGE_REACTION_REMOVE; False if it was not there."""
    for reaction in message.reactions:
        if reaction.emoji == emoji and user.id in reaction.user_ids:
            reaction.user_ids.remove(user.id)
            if not reaction.user_ids:
                message.reactions.remove(reaction)
            data = _reaction_data(message, user, emoji) | {"burst": False, "type": 0}
            _emit_in(world, "MESSAGE_REACTION_REMOVE", data, message.channel, intents.GUILD_MESSAGE_REACTIONS)
            return True
    return False


def clear_reactions(world: World, message: Message, emoji: Json | None = None) -> None:
    """Take everybody's reactions off a message, or those of one emoji: MESSAGE_REACTION_REMOVE_ALL or _EMOJI."""
    message.reactions = [item for item in message.reactions if emoji is not None and item.emoji != emoji]
    data: Json = {"message_id": str(message.id), **_place(message.channel)}
    name = "MESSAGE_REACTION_REMOVE_ALL"
    if emoji is not None:
        name, data["emoji"] = "MESSAGE_REACTION_REMOVE_EMOJI", emoji
    _emit_in(world, name, data, message.channel, intents.GUILD_MESSAGE_REACTIONS)


def _reaction_data(message: Message, user: User, emoji: Json) -> Json:
    return {
        "user_id": str(user.id),
        "message_id": str(message.id),
        "emoji": emoji,
        **_place(message.channel),
    }


def start_typing(world: World, channel: Channel, user: User) -> None:
    """Show that somebody types: TYPING_START."""
    data = {"user_id": str(user.id), "timestamp": wall_clock_ms() // 1000, **_place(channel)}
    guild = channel.guild
    if guild is not None and user.id in guild.members:
        data["member"] = member_payload(guild.members[user.id], with_user=True)
    _emit_in(world, "TYPING_START", data, channel, intents.GUILD_MESSAGE_TYPING)


def _place(channel: Channel) -> Json:
    place: Json = {"channel_id": str(channel.id)}
    if channel.guild is not None:
        place["guild_id"] = str(channel.guild.id)
    return place


def _emit_in(
    world: World, name: str, data: Json, channel: Channel, guild_intent: int, message: Message | None = None
) -> None:
    intent = guild_intent << intents.IN_DIRECT_MESSAGES if channel.is_dm else guild_intent
    world.emit(Dispatch(name, data, intent=intent, guild=channel.guild, channel=channel, message=message))
