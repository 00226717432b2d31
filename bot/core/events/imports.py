"""Events of what was brought in from files: what was said before, and whole logs."""

from __future__ import annotations

from bot.core.events.base import Event, MessageEvent
from bot.core.events.vocabulary import Attachment, Author, Key, KeyKind, Source


class MessageImported(MessageEvent):
    """A message that people posted before, taken from a file. Body: as in ``message.received``.

    It stands for the message as if the bot had been there, apart from this: it is never answered, and it says nothing
    of what else the channel holds, so it leaves the watermark.
    """

    TYPE = "message.imported"
    WORDED = True

    author_id: int
    author: Author = Author.PERSON
    sent_at: int
    source: Source
    reply_to: int | None = None
    guild_id: int | None = None
    kind: int = 0
    attachments: tuple[Attachment, ...] = ()

    def key(self) -> Key:
        """Return ``received:<message id>``, so that a message is recorded once, whichever way it comes."""
        return Key(KeyKind.RECEIVED, self.message_id)


class LogImported(Event):
    """All events up to ``position`` were taken from an export of another log, with their places and times.

    ``digest`` is the SHA-256 of the export. ``lost`` counts events whose words did not open when they were exported,
    and which have none here.
    """

    TYPE = "log.imported"

    position: int
    digest: str
    lost: int = 0
