"""What a parser finds in a file: messages with their words, and what it had to set aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from bot.core.events import Attachment, Author, Body, MessageImported, Source
from bot.gateway.snowflakes import MOST, snowflake, snowflake_time


@dataclass(frozen=True, slots=True)
class Place:
    """The channel of a message; ``parent_id`` is a thread's channel (0: it is no thread, or the file does not say)."""

    channel_id: int
    guild_id: int | None = None
    parent_id: int = 0


class Begun(NamedTuple):
    """What follows is of this file."""

    file: str


class Found(NamedTuple):
    """Message ``number`` of its file (from 1), as it will be recorded."""

    number: int
    place: Place
    event: MessageImported
    body: Body


class Aside(NamedTuple):
    """Something that can't be imported: message ``number`` of its file (from 1; 0: the file), and why."""

    number: int
    why: str
    message_id: int = 0


Findings: TypeAlias = Begun | Found | Aside

NO_MESSAGE = "it has not the form of a message"
CUT = "the file ends here: it was cut, or is damaged from here on"


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote a message, and the name that they are shown with."""

    id: int
    name: str
    author: Author = Author.PERSON


def found(  # noqa: PLR0913 - a message has that much
    number: int,
    place: Place,
    message_id: int,
    *,
    by: Writer,
    text: str,
    files: tuple[str, ...],
    source: Source,
    reply_to: int | None = None,
    kind: int = 0,
    attachments: tuple[Attachment, ...] = (),
) -> Found:
    """Return a message; ``files`` are their names.

    An id holds its time, so that is taken, as for a message from Discord itself.
    """
    event = MessageImported(
        message_id=message_id,
        author_id=by.id,
        author=by.author,
        sent_at=snowflake_time(message_id),
        source=source,
        guild_id=place.guild_id,
        reply_to=reply_to,
        kind=kind,
        attachments=attachments,
    )
    return Found(number, place, event, Body(name=by.name, parts=(text,), files=files))


def optional_id(value: object) -> int | None:
    """Return the id in a JSON value, None where there is none: a file writes null, "" or 0 then."""
    return None if value in (None, "", 0, "0") else snowflake(value)


def size_of(value: object) -> int:
    """Return a size in bytes as the log can hold it; 0 where the file has none."""
    return value if type(value) is int and 0 <= value <= MOST else 0


def text_of(data: Mapping[str, Any], name: str) -> str:
    """Return a field that holds a text; "" where it is missing or null. Raises TypeError for anything else."""
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value or ""
