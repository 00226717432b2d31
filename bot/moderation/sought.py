"""What somebody looks for among the words in the log, and what finds it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from bot.core.events import (
    POSTED,
    Event,
    MessageEdited,
    MessagePosted,
    MessagePreviewed,
    Recorded,
    ReplyComposed,
)

SAID: tuple[type[Event], ...] = (*POSTED, MessageEdited, MessagePreviewed, ReplyComposed)
"""The events that say words which are looked for."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Words as somebody typed them, and where to look: in ``channels`` and of ``author_id`` (None: all).

    Looked at is what was written since a moment (``since``, in microseconds) and recorded below position ``before``.
    The author of the bot's answers is 0.
    """

    text: str
    channels: Collection[int] | None = None
    author_id: int | None = None
    since: int = 0
    before: int = 2**62


class Hit(NamedTuple):
    """A message or an answer that holds what was sought: the position of its words, and a piece of them."""

    position: int
    excerpt: str


class Said(NamedTuple):
    """Whose words an event holds: those of a message, or of the answer to it. ``at`` is in microseconds."""

    message_id: int
    answer: bool
    author_id: int
    at: int


def said_by(recorded: Recorded) -> Said | None:
    """Return whose words an event holds, None if it holds none that can be looked for."""
    match recorded.event:
        case MessagePosted(message_id=message_id, author_id=author_id, sent_at=at):
            return Said(message_id, answer=False, author_id=author_id, at=at)
        case MessageEdited(message_id=message_id, author_id=author_id, edited_at=at):
            return Said(message_id, answer=False, author_id=author_id, at=at)
        case MessagePreviewed(message_id=message_id, author_id=author_id):
            return Said(message_id, answer=False, author_id=author_id, at=recorded.recorded_at)
        case ReplyComposed(message_id=message_id):
            return Said(message_id, answer=True, author_id=0, at=recorded.recorded_at)
    return None


class Index(Protocol):
    """Finds words. A message is found by the words that it has now, and by none that are erased."""

    name: str

    async def reaches(self) -> int:
        """Return the moment (microseconds) since which all words are in it."""

    def hits(self, sought: Sought) -> AsyncGenerator[Hit, None]:
        """Yield what is found, the newest first; raise ModerationError for a text without any word."""
