"""A message in the form that the rest of the code uses, translated from the gateway or the history.

The history is read as Discord's own JSON, so that one message that discord.py can't parse does not hide the rest of its
page. So are most messages of the gateway (:mod:`bot.gateway.wire`); discord.py gives objects of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import discord

from bot.core.events import (
    Attachment,
    Author,
    Body,
    MessageEdited,
    MessagePreviewed,
    MessageReceived,
    Named,
    Shown,
    ShownKind,
    Via,
)
from bot.core.seen import marks_in, may_hold_marks
from bot.gateway.places import name_in, server_id
from bot.gateway.shown import ODD, is_forward, length_of, may_show, shown_in
from bot.gateway.snowflakes import MOST, NoSnowflake, snowflake, snowflake_time
from bot.times import moment_of

_INT = frozenset((int,))
_NAMES, _NAME = 100, 100
"""How many names of what it mentions are kept of a message, and how many characters of one."""


class Unreadable(ValueError):
    """Data that should be a message can't be stored in the log."""


@dataclass(slots=True)
class Incoming:
    """One message, from the gateway, the history or a command; times are microseconds since the epoch.

    ``mentions`` and ``mention_roles`` are those that Discord lists. ``application_id`` is that of the bot whose webhook
    posted it (0: none).
    ``shown`` is what it shows besides its text, ``names`` are those of what both mention.

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
    shown: tuple[Shown, ...] = ()
    names: tuple[Named, ...] = ()
    forwards: int | None = None

    def __post_init__(self) -> None:
        needed = (self.channel_id, self.message_id, self.author_id, self.sent_at)
        others = (self.guild_id or 0, self.reply_to or 0, self.forwards or 0, self.edited_at or 0, self.kind)
        numbers = needed + others
        if not (_INT.issuperset(map(type, numbers)) and type(self.text) is type(self.name) is str):
            raise Unreadable
        if min(numbers) < 0 or max(numbers) > MOST or 0 in needed:
            raise Unreadable

    @property
    def body(self) -> Body:
        """Return the words and names of the message."""
        if self.shown or self.names:
            return Body(name=self.name, parts=(self.text,), files=self.files, shown=self.shown, names=self.names)
        return Body(name=self.name, parts=(self.text,), files=self.files)

    def received(self, via: Via) -> MessageReceived:
        """Return the event that it was posted."""
        event = MessageReceived(
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
        if not self.shown and self.forwards is None:
            return event
        return event.model_copy(update={"shown": self._kinds, "forwards": self.forwards})

    @property
    def _kinds(self) -> tuple[ShownKind, ...]:
        return tuple(dict.fromkeys(each.kind for each in self.shown))

    def edited(self) -> MessageEdited | None:
        """Return the event that it was edited, or None when only Discord changed it, for example to add a preview."""
        if self.edited_at is None:
            return None
        return MessageEdited(message_id=self.message_id, author_id=self.author_id, edited_at=self.edited_at)

    def previewed(self) -> MessagePreviewed | None:
        """Return the event that Discord added a preview to it, or None when it has none, or its author edited it."""
        kinds = self._kinds
        if self.edited_at is not None or ShownKind.EMBED not in kinds:
            return None
        return MessagePreviewed(message_id=self.message_id, author_id=self.author_id, shown=kinds)


def from_object(message: discord.Message, own_id: int) -> Incoming:
    """Translate a message that discord.py parsed, where its JSON is not at hand or odd: without what else it shows."""
    reference = message.reference
    if reference is not None and getattr(reference, "type", None) is discord.MessageReferenceType.forward:
        reference = None
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


def from_payload(
    data: Any,  # noqa: ANN401 - Discord's JSON
    own_id: int,
    *,
    guild_id: int | None = None,
    client: discord.Client | None = None,
) -> Incoming:
    """Translate a message from Discord's own JSON; raise Unreadable when it is not a message.

    ``client`` knows the names of roles and channels, which the JSON does not hold.
    """
    try:
        return _translated(data, own_id, guild_id, client)
    except ODD:
        # Drop the cause, which may quote what people wrote.
        raise Unreadable from None


def _translated(data: Mapping[str, Any], own_id: int, guild_id: int | None, client: discord.Client | None) -> Incoming:
    author, text, files = data["author"], data.get("content") or "", data.get("attachments")
    member = data.get("member") or {}
    message_id, author_id = snowflake(data["id"]), snowflake(author["id"])
    reply_to, to_bot = _replied(data, own_id) if data.get("message_reference") else (None, False)
    nonce, edited, kind = data.get("nonce"), data.get("edited_timestamp"), int(data.get("type") or 0)
    listed, roles = () if to_bot else data.get("mentions"), data.get("mention_roles")
    guild_id = snowflake(data["guild_id"]) if data.get("guild_id") else guild_id
    shown = shown_in(data, kind) if may_show(data, kind) else ()
    return Incoming(
        channel_id=snowflake(data["channel_id"]),
        message_id=message_id,
        author_id=author_id,
        author=_author(author_id, own_id, author.get("bot"), data.get("webhook_id")),
        name=member.get("nick") or author.get("global_name") or author.get("username") or "",
        text=text,
        sent_at=snowflake_time(message_id),
        guild_id=guild_id,
        kind=kind,
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
        shown=shown,
        names=tuple(_names(text, shown, data, guild_id, client)) if shown or may_hold_marks(text) else (),
        forwards=_forwarded(data) if "message_snapshots" in data else None,
    )


def _forwarded(data: Mapping[str, Any]) -> int | None:
    forwarded = data["message_reference"].get("message_id") if is_forward(data) else None
    return snowflake(forwarded) if forwarded else None


def _names(
    text: str, shown: tuple[Shown, ...], data: Mapping[str, Any], guild_id: int | None, client: discord.Client | None
) -> Iterator[Named]:
    """Yield the names of what a message mentions, as far as its JSON or the client knows them."""
    words = "\n".join((text, *(each.text for each in shown))) if shown else text
    marks = marks_in(words)
    if not marks:
        return
    people = _people(data)
    for mark in marks[:_NAMES]:
        if name := people.get(mark) or (name_in(client, mark, guild_id) if client else ""):
            yield Named(mark, name[:_NAME])


def _people(data: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the names of the people whom Discord says that a message, or one that it forwards, mentions."""
    people: dict[str, str] = {}
    for user in _listed(data):
        # A name that can't be read costs no message.
        with suppress(*ODD):
            nick = (user.get("member") or {}).get("nick")
            people[f"@{user['id']}"] = str(nick or user.get("global_name") or user.get("username") or "")
    return people


def _listed(data: Mapping[str, Any]) -> Iterator[Any]:
    with suppress(*ODD):
        for snapshot in data.get("message_snapshots") or ():
            yield from snapshot["message"].get("mentions") or ()
    yield from data.get("mentions") or ()


def _replied(data: Mapping[str, Any], own_id: int) -> tuple[int | None, bool]:
    """Return the id of the message that one replies to, if it names one, and whether that is known to be the bot's."""
    if is_forward(data):
        return None, False
    replied = (data.get("referenced_message") or {}).get("author") or {}
    message_id = data["message_reference"].get("message_id")
    return snowflake(message_id) if message_id else None, str(replied.get("id")) == str(own_id)


def _attachment(file: Mapping[str, Any]) -> Attachment:
    return Attachment(
        id=snowflake(file["id"]),
        size=int(file.get("size") or 0),
        content_type=file.get("content_type") or "",
        length_ms=length_of(file),
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
