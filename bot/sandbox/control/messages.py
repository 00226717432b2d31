"""Control routes that act as people: post, edit, delete, react, type."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from functools import partial
from typing import Any

from bot.sandbox import posting
from bot.sandbox.attachments import AttachedFile, attachment_payloads
from bot.sandbox.control.call import ControlCall, ControlRoute
from bot.sandbox.control.dressing import dressed, embeds_of, shows
from bot.sandbox.control.records import MessageRecord, message_record
from bot.sandbox.errors import ControlError
from bot.sandbox.json_codec import Json, whole_text
from bot.sandbox.models import Channel, Message, MessageFlag, MessageKind

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
        ControlRoute("POST", "/messages/{message}/preview", preview, {"embeds": [{"type": "link", "title": "A page"}]}),
        ControlRoute("DELETE", "/messages/{message}", delete),
        ControlRoute("POST", "/messages/bulk-delete", bulk_delete, {"messages": ["1", "2"]}),
        ControlRoute("POST", "/messages/{message}/reactions", react, {"user": "alice", "emoji": "👍"}),
        ControlRoute("DELETE", "/messages/{message}/reactions", unreact, "?user=alice&emoji=👍"),
        ControlRoute("DELETE", "/messages/{message}/reactions/all", clear_reactions, "?emoji=👍"),
        ControlRoute("POST", "/typing", typing, {"channel": "general", "user": "alice"}),
    ]


def _prepare(call: ControlCall) -> Callable[[], Message]:
    """Check the message that the body describes (see ``post``); return the function that posts it."""
    channel, author = call.channel(default="general"), call.user("author", "alice")
    call.world.join(channel, author)
    content = call.text("content", "")
    for name in _listed(call.body.get("mention")):
        content = f"<@{call.part({'user': name}).user().id}> {content}".rstrip()
    files = [_file(entry) for entry in _listed(call.body.get("attachments"))]
    message = dressed(call, Message(channel, author, content))
    if len(content) > MAX_CONTENT or not (content.strip() or files or shows(message)):
        raise ControlError(f"A message has 1 to {MAX_CONTENT} characters, or attachments. Or it shows something else.")
    message.attachments = attachment_payloads(call.services, channel, files)
    if any(file.seconds for file in files):
        message.flags |= MessageFlag.IS_VOICE_MESSAGE
    return partial(
        posting.post,
        call.world,
        message,
        reply_to=_replied_to(call, channel),
        allowed=posting.AllowedMentions(replied_user=call.body.get("ping", True) is True),
    )


def _replied_to(call: ControlCall, channel: Channel) -> Message | None:
    if call.body.get("reply_to") is None:
        return None
    message = call.message("reply_to")
    here = message.channel is channel or (
        call.body.get("type") == MessageKind.THREAD_STARTER_MESSAGE and channel.parent
    )
    if message.deleted or not here:
        raise ControlError(f"There is no message {message.id} to reply to in that channel.", status=404)
    return message


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _file(entry: object) -> AttachedFile:
    if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
        raise ControlError("An attachment needs a filename, and may have size and content_type.")
    data = _content_of(entry)
    size = entry.get("size", len(data or b""))
    if not isinstance(size, int) or size < 0:
        raise ControlError("size must be a whole number of bytes.")
    media_type = str(entry.get("content_type", "application/octet-stream"))
    described, seconds = str(entry.get("description", "")), entry.get("seconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        raise ControlError("seconds must be a length in seconds.")
    return AttachedFile(entry["filename"], media_type, size, data, described, float(seconds))


def _content_of(entry: dict[str, Any]) -> bytes | None:
    content, encoded = entry.get("content"), entry.get("base64")
    if not isinstance(content, str | None):
        raise ControlError("content must be the text that is in the file.")
    if encoded is None:
        return None if content is None else content.encode()
    try:
        return b64decode(encoded, validate=True)
    except (TypeError, ValueError):
        raise ControlError("base64 must be the bytes that are in the file, in base64.") from None


async def post(call: ControlCall) -> MessageRecord:
    """Post a message as a person.

    channel and author by name or id (a new author name makes a new person); optional: reply_to (message id), ping
    (false: reply without mentioning), mention (name, id or a list: put in front of the content), attachments
    ([{filename, size, content_type, content, base64, description, seconds}]: content as text, or base64 for other
    bytes, for files that can be fetched; with seconds it is a voice message), embeds and components (as Discord writes
    them), stickers (names), forward (message id), poll ({question, answers, votes, ended}), type (that of a system
    message: 6, 7, 8, 18, 21 or 46).
    """
    return message_record(call.world, _prepare(call)())


async def post_many(call: ControlCall) -> Json:
    """Post many messages, each as for POST /messages, waiting for clients that read slowly.

    Nothing is posted when one of them is refused; ids come back in order.
    """
    items = call.items("messages")
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise ControlError(f"messages[{index}] must be an object.")
    prepared = [_prepare(call.part(item)) for item in items]
    ids = []
    for index, post_one in enumerate(prepared):
        ids.append(str(post_one().id))
        if index % _BREATH == _BREATH - 1:
            await call.services.hub.breathe()
    return {"ids": ids}


async def edit(call: ControlCall) -> MessageRecord:
    """Edit a message: MESSAGE_UPDATE."""
    message = call.live_message()
    message.content = whole_text(call.text("content"))
    posting.set_mentions(call.world, message, posting.AllowedMentions(), None)
    posting.announce_edit(call.world, message)
    return message_record(call.world, message)


async def preview(call: ControlCall) -> MessageRecord:
    """Add previews of links to a message, as Discord does later: MESSAGE_UPDATE without an edit."""
    message = call.live_message()
    message.embeds = [*message.embeds, *embeds_of(call)]
    posting.announce_update(call.world, message)
    return message_record(call.world, message)


async def delete(call: ControlCall) -> MessageRecord:
    """Delete a message: MESSAGE_DELETE."""
    message = call.live_message()
    posting.delete(call.world, message)
    return message_record(call.world, message)


async def bulk_delete(call: ControlCall) -> Json:
    """Delete messages of one channel at once: MESSAGE_DELETE_BULK."""
    messages = [call.part({"message": key}).live_message() for key in call.items("messages")]
    if len({message.channel.id for message in messages}) != 1:
        raise ControlError("Name messages of one channel.")
    posting.bulk_delete(call.world, messages[0].channel, messages)
    return {"deleted": len(messages)}


def _emoji(text: str) -> Json:
    custom = re.fullmatch(r"(?P<name>\w{2,32}):(?P<id>\d{1,20})", text)
    return {"id": custom["id"], "name": custom["name"]} if custom else {"id": None, "name": text}


async def react(call: ControlCall) -> MessageRecord:
    """Put an emoji on a message: MESSAGE_REACTION_ADD."""
    message, user = call.live_message(), call.user("user", "alice")
    call.world.join(message.channel, user)
    posting.react(call.world, message, user, _emoji(call.text("emoji")))
    return message_record(call.world, message)


async def unreact(call: ControlCall) -> MessageRecord:
    """Take an emoji off a message: MESSAGE_REACTION_REMOVE."""
    message, user = call.live_message(), call.user("user", "alice", create=False)
    if not posting.unreact(call.world, message, user, _emoji(call.text("emoji"))):
        raise ControlError("That reaction is not there.", status=404)
    return message_record(call.world, message)


async def clear_reactions(call: ControlCall) -> MessageRecord:
    """Take everybody's reactions off a message, those of one emoji where it is named."""
    message, emoji = call.live_message(), call.text("emoji", None)
    posting.clear_reactions(call.world, message, None if emoji is None else _emoji(emoji))
    return message_record(call.world, message)


async def typing(call: ControlCall) -> Json:
    """Show that somebody types: TYPING_START."""
    channel, user = call.channel(), call.user("user", "alice")
    call.world.join(channel, user)
    posting.start_typing(call.world, channel, user)
    return {"channel_id": str(channel.id), "user_id": str(user.id)}
