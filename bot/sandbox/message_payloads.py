"""Messages as Discord writes them, over REST and over the gateway."""

from __future__ import annotations

from collections.abc import Callable

from bot.sandbox.json_codec import Json
from bot.sandbox.models import Guild, Message, MessageReaction
from bot.sandbox.payloads import channel_payload, member_payload, user_payload
from bot.sandbox.snowflakes import iso_moment, iso_time, timestamp_ms

Lookup = Callable[[int], Message | None]

# These are empty without the message content intent (gateway.mdx, "Message Content Intent").
_CONTENT_FIELDS: Json = {"content": "", "attachments": [], "embeds": [], "components": []}
_SNAPSHOT = (
    "type",
    "content",
    "mentions",
    "mention_roles",
    "attachments",
    "embeds",
    "timestamp",
    "edited_timestamp",
    "flags",
    "components",
    "sticker_items",
)


def message_payload(message: Message, lookup: Lookup, *, viewer_id: int | None = None) -> Json:
    """Build a message; ``lookup`` finds the message it answers, ``viewer_id`` decides a reaction's ``me``.

    History has no nonces (docs/discord-facts.md, 1.1); the answer to POST and MESSAGE_CREATE add the nonce.
    """
    payload = _plain_payload(message)
    if message.reference is not None:
        payload["message_reference"] = message.reference
        if message.referenced_id is not None:
            referenced = lookup(message.referenced_id)
            gone = referenced is None or referenced.deleted
            payload["referenced_message"] = None if gone or referenced is None else _plain_payload(referenced)
    if message.reactions and viewer_id is not None:
        payload["reactions"] = [_reaction_payload(item, viewer_id) for item in message.reactions]
    if message.thread is not None:
        payload["thread"] = channel_payload(message.thread)
    return payload


def _plain_payload(message: Message) -> Json:
    payload: Json = {
        "type": int(message.kind),
        "content": message.content,
        "mentions": [user_payload(user) for user in message.mentions],
        "mention_roles": [str(role) for role in message.mention_roles],
        "attachments": message.attachments,
        "embeds": message.embeds,
        "timestamp": iso_time(timestamp_ms(message.id)),
        "edited_timestamp": None if message.edited_id is None else iso_moment(message.edited_id),
        "flags": message.flags,
        "components": message.components,
        "id": str(message.id),
        "channel_id": str(message.channel.id),
        "author": user_payload(message.author),
        "pinned": False,
        "mention_everyone": message.mention_everyone,
        "tts": message.tts,
    }
    if message.webhook_id is not None:
        payload["webhook_id"] = str(message.webhook_id)
    if message.application_id is not None:
        payload["application_id"] = str(message.application_id)
    if message.interaction_metadata is not None:
        payload["interaction_metadata"] = message.interaction_metadata
    if message.stickers:
        payload["sticker_items"] = message.stickers
    if message.poll is not None:
        payload["poll"] = message.poll
    if message.snapshots:
        payload["message_snapshots"] = message.snapshots
    return payload


def snapshot(message: Message) -> Json:
    """Build what a forward holds of a message: neither its author nor its place (message.mdx, "Message Snapshot")."""
    plain = _plain_payload(message)
    return {"message": {name: plain[name] for name in _SNAPSHOT if name in plain}}


def event_payload(message: Message, lookup: Lookup, *, with_nonce: bool) -> Json:
    """Build MESSAGE_CREATE and MESSAGE_UPDATE: the message plus guild and members (gateway-events.mdx)."""
    payload = message_payload(message, lookup)
    if with_nonce and message.nonce is not None:
        payload["nonce"] = message.nonce
    guild = message.channel.guild
    if guild is not None:
        payload["guild_id"] = str(guild.id)
        member = guild.members.get(message.author.id)
        if member is not None:
            payload["member"] = member_payload(member, with_user=False)
        payload["mentions"] = [_mention(guild, user) for user in payload["mentions"]]
    return payload


def _mention(guild: Guild, user: Json) -> Json:
    member = guild.members.get(int(user["id"]))
    return user if member is None else {**user, "member": member_payload(member, with_user=False)}


def without_content(payload: Json) -> Json:
    """Remove the content from a message and from the message it answers."""
    bare = {**payload, **_CONTENT_FIELDS}
    bare.pop("poll", None)
    if "message_snapshots" in bare:
        bare["message_snapshots"] = [
            {"message": {**each["message"], **_CONTENT_FIELDS}} for each in bare["message_snapshots"]
        ]
    if bare.get("referenced_message"):
        bare["referenced_message"] = {**bare["referenced_message"], **_CONTENT_FIELDS}
    return bare


def content_is_free(message: Message, user_id: int) -> bool:
    """Tell whether a bot sees the content without the intent: of its own messages, DMs, and mentions of it."""
    return (
        message.author.id == user_id
        or message.channel.guild is None
        or any(user.id == user_id for user in message.mentions)
    )


def _reaction_payload(reaction: MessageReaction, viewer_id: int) -> Json:
    count = len(reaction.user_ids)
    return {
        "emoji": reaction.emoji,
        "count": count,
        "count_details": {"burst": 0, "normal": count},
        "burst_colors": [],
        "me_burst": False,
        "me": viewer_id in reaction.user_ids,
    }
