"""Act as people: post, edit, delete, react, whether the bot is there or not."""

from __future__ import annotations

import re
from typing import Any

from bot.sandbox import posting
from bot.sandbox.attachments import AttachedFile, attachment_payloads
from bot.sandbox.control.call import ControlCall, ControlRoute, find_channel, find_message, find_user
from bot.sandbox.control.records import message_record
from bot.sandbox.errors import ControlError
from bot.sandbox.json_codec import Json, whole_text
from bot.sandbox.models import Channel, Message, User
from bot.sandbox.world import World

# People with Nitro may write twice as much as bots.
MAX_CONTENT = 4000
_BREATH = 200


def routes() -> list[ControlRoute]:
    """List the routes."""
    hello = {"channel": "general", "author": "alice", "content": "hello"}
    return [
        ControlRoute("POST", "/messages", post, hello),
        ControlRoute("POST", "/messages/batch", post_many, {"messages": [hello, {**hello, "content": "again"}]}),
        ControlRoute("PATCH", "/messages/{message}", edit, {"content": "hello!"}),
        ControlRoute("DELETE", "/messages/{message}", delete),
        ControlRoute("POST", "/messages/bulk-delete", bulk_delete, {"messages": ["1", "2"]}),
        ControlRoute("POST", "/messages/{message}/reactions", react, {"user": "alice", "emoji": "👍"}),
        ControlRoute("DELETE", "/messages/{message}/reactions", unreact, "?user=alice&emoji=👍"),
        ControlRoute("DELETE", "/messages/{message}/reactions/all", clear_reactions, "?emoji=👍"),
        ControlRoute("POST", "/typing", typing, {"channel": "general", "user": "alice"}),
    ]


def draft_of(world: World, item: Json, api_url: str) -> posting.NewMessage:
    """Check what an object wants posted; see ``post``."""
    channel = find_channel(world, item.get("channel", "general"))
    author = find_user(world, item.get("author", "alice"))
    join(world, channel, author)
    content = item.get("content", "")
    if not isinstance(content, str):
        message = "content must be text."
        raise ControlError(message)
    for name in _listed(item.get("mention")):
        content = f"<@{find_user(world, name).id}> {content}".rstrip()
    files = [_file(entry) for entry in _listed(item.get("attachments"))]
    if len(content) > MAX_CONTENT or not (content.strip() or files):
        raise ControlError(f"A message has 1 to {MAX_CONTENT} characters, or attachments.")
    return posting.NewMessage(
        channel,
        author,
        content,
        reply_to=_replied_to(world, channel, item.get("reply_to")),
        attachments=attachment_payloads(world, channel, files, api_url),
        allowed=posting.AllowedMentions(replied_user=item.get("ping", True) is True),
    )


def _replied_to(world: World, channel: Channel, key: object) -> Message | None:
    if key is None:
        return None
    message = find_message(world, key)
    if message.deleted or message.channel is not channel:
        raise ControlError(f"There is no message {key!r} to reply to in that channel.", status=404)
    return message


def join(world: World, channel: Channel, user: User) -> None:
    """Make sure that a user is a member where they are about to act."""
    if channel.guild is not None and user.id not in channel.guild.members:
        world.add_member(channel.guild, user)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _file(entry: object) -> AttachedFile:
    if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
        message = "An attachment needs a filename, and may have size and content_type."
        raise ControlError(message)
    content = entry.get("content")
    if content is not None and not isinstance(content, str):
        message = "content must be the text that is in the file."
        raise ControlError(message)
    data = None if content is None else content.encode()
    size = entry.get("size", len(data or b""))
    if not isinstance(size, int) or size < 0:
        message = "size must be a whole number of bytes."
        raise ControlError(message)
    media_type = str(entry.get("content_type", "application/octet-stream"))
    return AttachedFile(entry["filename"], media_type, size, data)


async def post(call: ControlCall) -> Json:
    """Post a message as a person.

    channel and author by name or id (a new author name makes a new person); optional: reply_to (message id), ping
    (false: reply without mentioning), mention (name, id or a list: put in front of the content), attachments
    ([{filename, size, content_type, content}], the last as text, for files that can be fetched).
    """
    draft = draft_of(call.world, call.body, call.services.addresses.api)
    return message_record(call.world, posting.post(call.world, draft))


async def post_many(call: ControlCall) -> Json:
    """Post many messages, each as for POST /messages, waiting for clients that read slowly.

    Nothing is posted when one of them is refused; ids come back in order.
    """
    items = call.items("messages")
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise ControlError(f"messages[{index}] must be an object.")
    drafts = [draft_of(call.world, item, call.services.addresses.api) for item in items]
    ids = []
    for index, draft in enumerate(drafts):
        ids.append(str(posting.post(call.world, draft).id))
        if index % _BREATH == _BREATH - 1:
            await call.services.hub.breathe()
    return {"ids": ids}


def _path_message(call: ControlCall) -> Message:
    return call.live_message(call.request.match_info["message"])


async def edit(call: ControlCall) -> Json:
    """Edit a message: MESSAGE_UPDATE."""
    message = _path_message(call)
    message.content = whole_text(call.text("content"))
    posting.set_mentions(call.world, message, posting.AllowedMentions(), None)
    posting.announce_edit(call.world, message)
    return message_record(call.world, message)


async def delete(call: ControlCall) -> Json:
    """Delete a message: MESSAGE_DELETE."""
    message = _path_message(call)
    posting.delete(call.world, message)
    return message_record(call.world, message)


async def bulk_delete(call: ControlCall) -> Json:
    """Delete messages of one channel at once: MESSAGE_DELETE_BULK."""
    messages = [call.live_message(key) for key in call.items("messages")]
    if len({message.channel.id for message in messages}) != 1:
        message = "Name messages of one channel."
        raise ControlError(message)
    posting.bulk_delete(call.world, messages[0].channel, messages)
    return {"deleted": len(messages)}


def emoji_payload(text: str) -> Json:
    """Read an emoji: a character, or ``name:id`` of a custom one."""
    custom = re.fullmatch(r"(?P<name>\w{2,32}):(?P<id>\d{1,20})", text)
    return {"id": custom["id"], "name": custom["name"]} if custom else {"id": None, "name": text}


async def react(call: ControlCall) -> Json:
    """Put an emoji on a message: MESSAGE_REACTION_ADD."""
    message, user = _path_message(call), call.user(call.body.get("user", "alice"))
    join(call.world, message.channel, user)
    posting.react(call.world, message, user, emoji_payload(call.text("emoji")))
    return message_record(call.world, message)


async def unreact(call: ControlCall) -> Json:
    """Take an emoji off a message: MESSAGE_REACTION_REMOVE."""
    message, user = _path_message(call), call.user(call.body.get("user", "alice"), create=False)
    if not posting.unreact(call.world, message, user, emoji_payload(call.text("emoji"))):
        text = "That reaction is not there."
        raise ControlError(text, status=404)
    return message_record(call.world, message)


async def clear_reactions(call: ControlCall) -> Json:
    """Take everybody's reactions off a message, those of one emoji where it is named."""
    message, emoji = _path_message(call), call.text("emoji", None)
    posting.clear_reactions(call.world, message, None if emoji is None else emoji_payload(emoji))
    return message_record(call.world, message)


async def typing(call: ControlCall) -> Json:
    """Show that somebody types: TYPING_START."""
    channel, user = call.channel(), call.user(call.body.get("user", "alice"))
    join(call.world, channel, user)
    posting.start_typing(call.world, channel, user)
    return {"channel_id": str(channel.id), "user_id": str(user.id)}
