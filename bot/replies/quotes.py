"""Messages that a question refers to and that are not in the window: the one it replies to, the first one of a thread.

The log is asked first. What was erased there, or was of a person who opted out, is not read again from Discord; what
the log never held is fetched once, told to the model, and not recorded: no copy of somebody's words outlives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.core.events import Author, Body, KeyKind, MessagePosted, ReplySent
from bot.core.seen import told
from bot.core.streams import stream_of
from bot.eventlog.reader import Reader
from bot.replies.reading import find_received, newest_words
from bot.responders.protocol import Utterance


class MessageSource(Protocol):
    """Reads messages from Discord."""

    async def message(self, channel_id: int, message_id: int) -> Utterance | None:
        """Return a message, or None where it can't be read or its author opted out; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Quotes:
    """Finds messages in the log, or else in Discord."""

    reader: Reader
    source: MessageSource

    async def find(self, channel_id: int, message_id: int) -> Utterance | None:
        """Return a message of a channel, or None if nothing of it may be told."""
        posted = await find_received(self.reader, channel_id, message_id)
        if posted is not None:
            body = await newest_words(self.reader, channel_id, message_id)
            return _said(posted, body) if body else None
        sent = await self.reader.sent_as(stream_of(channel_id), message_id)
        if sent is not None and isinstance(sent.event, ReplySent):
            return await self._answer(channel_id, message_id, sent.event)
        return await self.source.message(channel_id, message_id)

    async def _answer(self, channel_id: int, message_id: int, sent: ReplySent) -> Utterance | None:
        """Return a part of an answer of the bot's, as it was composed last."""
        composed = await self.reader.find(stream_of(channel_id), KeyKind.COMPOSED, sent.message_id)
        newest = max((recorded.position for recorded in composed), default=0)
        body = (await self.reader.bodies((newest,))).get(newest)
        text = told(body, sent.part, by_bot=True) if body else ""
        return Utterance(message_id, "", text, by_bot=True) if text else None


def _said(posted: MessagePosted, body: Body) -> Utterance | None:
    by_bot = posted.author is Author.SELF
    text, author_id, names = told(body, by_bot=by_bot), posted.author_id, dict(body.names)
    if not text:
        return None
    return Utterance(posted.message_id, body.name, text, by_bot, author_id, posted.reply_to, names)
