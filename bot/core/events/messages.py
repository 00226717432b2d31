"""Events of what people post."""

from __future__ import annotations

from bot.core.events.base import Event, MessageEvent
from bot.core.events.vocabulary import Attachment, Author, Feeling, Key, KeyKind, ShownKind, SkipReason, Source, Via


class MessagePosted(MessageEvent):
    """A message that somebody posted, whichever way it came to the log. Body: all that a person sees of it.

    ``attachments`` are its files, whose names are in the body. ``kind`` is Discord's type of the message. Version 2 has
    ``shown``, of which kinds are the things that it shows besides its text, and ``forwards``, the id of the message
    that it forwards: of another author, and maybe of another channel.
    """

    V = 2
    WORDED = True

    author_id: int
    author: Author = Author.PERSON
    sent_at: int
    reply_to: int | None = None
    guild_id: int | None = None
    kind: int = 0
    attachments: tuple[Attachment, ...] = ()
    shown: tuple[ShownKind, ...] = ()
    forwards: int | None = None

    def key(self) -> Key:
        """Return ``received:<message id>``, so that a message is recorded once."""
        return Key(KeyKind.RECEIVED, self.message_id)


class MessageReceived(MessagePosted):
    """Somebody posted a message."""

    TYPE = "message.received"

    via: Via = Via.LIVE


class MessageImported(MessagePosted):
    """A message that was posted before, taken from a file.

    It stands for the message as if the bot had been there, apart from this: it is never answered, and it says nothing
    of what else the channel holds, so it leaves the watermark.
    """

    TYPE = "message.imported"

    source: Source


POSTED: tuple[type[MessagePosted], ...] = (MessageReceived, MessageImported)


class MessageEdited(MessageEvent):
    """The author changed a message. Body: the name and text as they are now."""

    TYPE = "message.edited"
    WORDED = True

    author_id: int
    edited_at: int

    def key(self) -> Key:
        """Return ``edited:<message id>:<edited at>``."""
        return Key(KeyKind.EDITED, self.message_id, self.edited_at)


class MessagePreviewed(MessageEvent):
    """Discord added to a message what it shows besides its text: the preview of a link. Body: all of it as it is now.

    It is recorded once for each message. Nobody edited it, so Discord has no time of it.
    """

    TYPE = "message.previewed"
    WORDED = True

    author_id: int
    shown: tuple[ShownKind, ...] = ()

    def key(self) -> Key:
        """Return ``edited:<message id>:0``: its words go with those of the message and of its edits."""
        return Key(KeyKind.EDITED, self.message_id)


class MessageDeleted(MessageEvent):
    """A message is gone from Discord, and with this event its words and those of its edits."""

    TYPE = "message.deleted"
    ERASES = True

    via: Via = Via.LIVE

    def key(self) -> Key:
        """Return ``deleted:<message id>``."""
        return Key(KeyKind.DELETED, self.message_id)


class MessageSkipped(MessageEvent):
    """A message addressed to the bot gets no reply. Version 2 has the reason ``opted out``, 3 ``bots in a row``."""

    TYPE = "message.skipped"
    V = 3

    reason: SkipReason


class ReactionAdded(MessageEvent):
    """Somebody reacted to a message of the bot. Body: the emoji.

    It has no key, because a person can remove a reaction and add it again.
    """

    TYPE = "reaction.added"
    WORDED = True

    author_id: int
    feeling: Feeling


class ReactionRemoved(MessageEvent):
    """Somebody removed a reaction from a message of the bot. Body: the emoji."""

    TYPE = "reaction.removed"
    WORDED = True

    author_id: int
    feeling: Feeling


class ChannelDeleted(Event):
    """The channel or thread is gone from Discord, or the bot was removed from its server.

    With this event all words in the channel's stream are gone.
    """

    TYPE = "channel.deleted"
    ERASES = True
