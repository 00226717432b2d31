"""Files in JSON that DiscordChatExporter made, of one channel each.

The form is that of its ``JsonMessageWriter.cs``, of release 2.23 to those of 2026: an object with ``guild``,
``channel`` and, last, ``messages``. A long export is divided into files that each have this form. Ids are texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import IO, Any

from bot.core.events import Attachment, Author, Source
from bot.gateway.snowflakes import snowflake
from bot.importing.found import (
    CUT,
    NO_MESSAGE,
    Aside,
    Findings,
    Found,
    Place,
    Writer,
    found,
    optional_id,
    size_of,
    text_of,
)
from bot.importing.json_stream import Fault, JsonStream, NoJson

NO_EXPORT = "it is no JSON of DiscordChatExporter, or it ends before the first message"

_KINDS: Mapping[str, int] = MappingProxyType(
    {
        "Default": 0,
        "RecipientAdd": 1,
        "RecipientRemove": 2,
        "Call": 3,
        "ChannelNameChange": 4,
        "ChannelIconChange": 5,
        "ChannelPinnedMessage": 6,
        "GuildMemberJoin": 7,
        "ThreadCreated": 18,
        "Reply": 19,
    }
)
"""Discord's types of messages by the exporter's names (``MessageKind.cs``). It writes any other as its number."""
_NOTICES = range(1, 19)
"""Types for which the exporter writes a sentence of its own in the place of the content. Nobody has said that."""
_NO_DISCRIMINATOR = "0000"
_MESSAGE = re.compile(r'\{\s*"id"\s*:\s*"[0-9]+"\s*,\s*"type"')
"""The beginning of a message. Authors, files and emojis begin with an id and a name or an address."""


def read(file: IO[bytes], own_id: int = 0) -> Iterator[Findings]:
    """Yield the messages of a file in its order; ``own_id`` is that of the bot's own account (0: unknown)."""
    stream = JsonStream(file)
    head: dict[str, Any] = {}
    if not stream.take("{"):
        yield Aside(0, NO_EXPORT)
        return
    try:
        for name in stream.members():
            if name == "messages" and stream.take("["):
                yield from _messages(stream, _place(head), own_id)
                return
            head[name] = stream.value()
    except (NoJson, AttributeError, LookupError, TypeError, ValueError):
        pass
    yield Aside(0, NO_EXPORT)


def _place(head: Mapping[str, Any]) -> Place:
    channel = head["channel"]
    # The exporter calls a thread's channel its category, too.
    is_thread = "Thread" in text_of(channel, "type")
    return Place(
        snowflake(channel["id"]),
        optional_id(head["guild"]["id"]),  # 0 for private channels
        (optional_id(channel.get("categoryId")) or 0) if is_thread else 0,
    )


def _messages(stream: JsonStream, place: Place, own_id: int) -> Iterator[Findings]:
    for number, data in enumerate(stream.elements(_MESSAGE), 1):
        if isinstance(data, Fault):
            yield Aside(number, CUT if data is Fault.CUT else Fault.BROKEN.value)
            continue
        try:
            yield _message(number, place, data, own_id)
        except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError):
            yield Aside(number, NO_MESSAGE, _id_of(data))


def _message(number: int, place: Place, data: Mapping[str, Any], own_id: int) -> Found:
    kind, files = _kind(text_of(data, "type")), data.get("attachments") or ()
    text = "" if kind in _NOTICES else text_of(data, "content")
    return found(
        number,
        place,
        snowflake(data["id"]),
        by=_writer(data["author"], own_id),
        text=text,
        files=tuple(text_of(file, "fileName") for file in files),
        source=Source.EXPORTER,
        reply_to=optional_id((data.get("reference") or {}).get("messageId")),
        kind=kind,
        attachments=tuple(
            Attachment(id=snowflake(file["id"]), size=size_of(file.get("fileSizeBytes"))) for file in files
        ),
    )


def _kind(name: str) -> int:
    return int(name) if name.isascii() and name.isdecimal() and len(name) <= 3 else _KINDS.get(name, 0)  # noqa: PLR2004


def _writer(author: Mapping[str, Any], own_id: int) -> Writer:
    author_id, is_bot = snowflake(author["id"]), author.get("isBot") is True
    if author_id == own_id:
        role = Author.SELF
    elif is_bot and author.get("discriminator") == _NO_DISCRIMINATOR:
        # Bots have a discriminator still, webhooks never had one.
        role = Author.WEBHOOK
    else:
        role = Author.BOT if is_bot else Author.PERSON
    return Writer(author_id, text_of(author, "nickname") or text_of(author, "name"), role)


def _id_of(data: object) -> int:
    """Return the id of something that is no message, 0 where it has none."""
    try:
        return snowflake(data["id"]) if isinstance(data, dict) else 0
    except (LookupError, ValueError):
        return 0
