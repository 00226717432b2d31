"""A message in the form that the rest of the code uses, translated from the gateway or the history.

The history is read as Discord's own JSON, so that one message that discord.py can't parse does not hide the rest of its
page. So are most messages of the gateway (:mod:`bot.gateway.wire`); discord.py gives objects of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import discord

from bot.core.events import Attachment, Author, Body, MessageEdited, MessageReceived, Via
from bot.gateway.places import server_id
from bot.gateway.snowflakes import MOST, NoSnowflake, snowflake, snowflake_time
from bot.times import moment_of

_INT = frozenset((int,))


class Unreadable(ValueError):
    """Data that should be a message can't be stored in the log."""


@dataclass(slots=True)
class Incoming:
    """One message, from the gateway, the history or a command; times are microseconds since the epoch.

    ``mentions`` and ``mention_roles`` are those that Discord lists. ``application_id`` is that of the bot whose webhook
    posted it (0: none).

    Raises Unreadable when an id is not one of Discord's, a number does not fit into the log, or a text is not a string.
    """

    channel_id: int
    message_id: int
    author_id: int
    author: Author
    name: str
    text: str
    sent_at: int
    guild_id: int | None = None
    kind: int = 0
    reply_to: int | None = None
    replies_to_bot: bool = False
    mentions: tuple[int, ...] = ()
    mention_roles: tuple[int, ...] = ()
    application_id: int = 0
    nonce: str | None = None
    edited_at: int | None = None
    attachments: tuple[Attachment, ...] = ()
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        numbers = (self.channel_id, self.message_id, self.author_id, self.sent_at)
        others = (self.guild_id or 0, self.reply_to or 0, self.edited_at or 0, self.kind)
        if not (_INT.issuperset(map(type, (*numbers, *others))) and type(self.text) is type(self.name) is str):
            raise Unreadable
        if min(numbers) <= 0 or min(others) < 0 or max(*numbers, *others) > MOST:
            raise Unreadable

    @property
    def body(self) -> Body:
        """Return the words and names of the message."""
        return Body(name=self.name, parts=(self.text,), files=self.files)

    def received(self, via: Via) -> MessageReceived:
        """Return the event that it was posted."""
        return MessageReceived(
            message_id=self.message_id,
            author_id=self.author_id,
            author=self.author,
            sent_at=self.sent_at,
            via=via,
            reply_to=self.reply_to,
            guild_id=self.guild_id,
            kind=self.kind,
            attachments=self.attachments,
        )

    def edited(self) -> MessageEdited | None:
        """Return the event that it was edited, or None when only Discord changed it, for example to add a preview."""
        if self.edited_at is None:
            return None
        return MessageEdited(message_id=self.message_id, author_id=self.author_id, edited_at=self.edited_at)


def from_object(message: discord.Message, own_id: int) -> Incoming:
    """Translate a message that discord.py parsed."""
    reference = message.reference
    resolved = reference.resolved if reference else None
    to_bot = isinstance(resolved, discord.Message) and resolved.author.id == own_id
    # discord.py has no attribute for what the payload does not list.
    listed = getattr(message, "mentions", ())
    return Incoming(
        channel_id=message.channel.id,
        message_id=message.id,
        author_id=message.author.id,
        author=_author(message.author.id, own_id, message.author.bot, message.webhook_id),
        name=message.author.display_name or "",
        text=message.content,
        sent_at=snowflake_time(message.id),
        guild_id=server_id(message.channel, message.guild),
        kind=message.type.value,
        reply_to=reference.message_id if reference else None,
        replies_to_bot=to_bot,
        mentions=() if to_bot else tuple([user.id for user in listed]),
        mention_roles=tuple([role.id for role in getattr(message, "role_mentions", ())]),
        application_id=message.application_id or 0,
        nonce=None if message.nonce is None else str(message.nonce),
        attachments=tuple(
            Attachment(id=file.id, size=file.size, content_type=file.content_type or "") for file in message.attachments
        ),
        files=tuple(file.filename for file in message.attachments),
    )


def from_payload(data: Any, own_id: int, *, guild_id: int | None = None) -> Incoming:  # noqa: ANN401 - Discord's JSON
    """Translate a message from Discord's own JSON; raise Unreadable when it is not a message."""
    try:
        return _translated(data, own_id, guild_id)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError):
        # Drop the cause, which may quote what people wrote.
        raise Unreadable from None


def _translated(data: Mapping[str, Any], own_id: int, guild_id: int | None) -> Incoming:
    author, text, files = data["author"], data.get("content") or "", data.get("attachments")
    member = data.get("member") or {}
    message_id, author_id = snowflake(data["id"]), snowflake(author["id"])
    reply_to, to_bot = _replied(data, own_id) if data.get("message_reference") else (None, False)
    nonce, edited = data.get("nonce"), data.get("edited_timestamp")
    listed, roles = () if to_bot else data.get("mentions"), data.get("mention_roles")
    return Incoming(
        channel_id=snowflake(data["channel_id"]),
        message_id=message_id,
        author_id=author_id,
        author=_author(author_id, own_id, author.get("bot"), data.get("webhook_id")),
        name=member.get("nick") or author.get("global_name") or author.get("username") or "",
        text=text,
        sent_at=snowflake_time(message_id),
        guild_id=snowflake(data["guild_id"]) if data.get("guild_id") else guild_id,
        kind=int(data.get("type") or 0),
        reply_to=reply_to,
        replies_to_bot=to_bot,
        # The list also names the person whom a reply pings. If that is the bot, the message counts as a reply to it.
        mentions=tuple([snowflake(user["id"]) for user in listed]) if listed else (),
        mention_roles=_ids(roles) if roles else (),
        application_id=next(iter(_ids((data["application_id"],))), 0) if "application_id" in data else 0,
        nonce=None if nonce is None else str(nonce),
        edited_at=moment_of(datetime.fromisoformat(edited)) if edited else None,
        attachments=tuple(map(_attachment, files)) if files else (),
        files=tuple(str(file.get("filename") or "") for file in files) if files else (),
    )


def _replied(data: Mapping[str, Any], own_id: int) -> tuple[int | None, bool]:
    """Return the id of the message that one replies to, if it names one, and whether that is known to be the bot's."""
    replied = (data.get("referenced_message") or {}).get("author") or {}
    message_id = data["message_reference"].get("message_id")
    return snowflake(message_id) if message_id else None, str(replied.get("id")) == str(own_id)


def _attachment(file: Mapping[str, Any]) -> Attachment:
    return Attachment(
        id=snowflake(file["id"]), size=int(file.get("size") or 0), content_type=file.get("content_type") or ""
    )


def _ids(values: Iterable[object]) -> tuple[int, ...]:
    """Return the ids among some values: no message is unreadable because of another one."""
    found: list[int] = []
    for value in values:
        with suppress(NoSnowflake):
            found.append(snowflake(value))
    return tuple(found)


def _author(author_id: int, own_id: int, bot: object, webhook_id: object) -> Author:
    if author_id == own_id:
        return Author.SELF
    if webhook_id is not None:
        return Author.WEBHOOK
    return Author.BOT if bot else Author.PERSON
