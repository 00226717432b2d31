"""Reads the chain of replies that leads to a question (setting ``replies.history``).

The log is asked first. What it never held is fetched from Discord, told to the model, and not recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from bot.core.conversation import Conversation
from bot.core.events import (
    Author,
    Body,
    Event,
    KeyKind,
    MessagePosted,
    MessageReceived,
    Recorded,
    ReplyComposed,
    ReplySent,
    Role,
    Via,
)
from bot.core.reply_chain import Link, chain_of, link_of
from bot.core.seen import told
from bot.core.streams import stream_of
from bot.core.window import ROLES, Turn
from bot.eventlog.reader import Reader
from bot.replies.quotes import MessageSource
from bot.replies.reading import joined, utterances
from bot.responders.protocol import Utterance

MOST_FETCHED = 8
"""How many messages of a chain are fetched from Discord: each is a request, and the asker waits."""


class Said(NamedTuple):
    """A message of a chain and the words of its turn, none if they were erased."""

    message_id: int
    words: tuple[Utterance, ...]


@dataclass(frozen=True, slots=True)
class ReplyChains:
    """Reads chains of at most ``most`` messages; without a ``source`` a chain ends where the log does."""

    reader: Reader
    most: int
    source: MessageSource | None = None

    async def before(self, state: Conversation, channel_id: int, reply_to: int | None) -> list[Said]:
        """Return the chain that ends with the message that a question replies to, oldest first, as of ``state``."""
        links, said = dict[int, Link](), dict[int, tuple[Utterance, ...]]()
        search = _Search(self, state, channel_id)
        chain = chain_of(reply_to or 0, links, self.most)
        while chain.wanted:
            links[chain.wanted], said[chain.wanted] = await search.look(chain.wanted)
            chain = chain_of(reply_to or 0, links, self.most)
        return [Said(each, said[each]) for each in chain.ids]


_Found = tuple[Link, tuple[Utterance, ...]]
_NOTHING: _Found = (Link(told=False), ())


class _Search:
    """Looks messages up for one chain."""

    def __init__(self, chains: ReplyChains, state: Conversation, channel_id: int) -> None:
        self._reader, self._source = chains.reader, chains.source
        self._state = state
        self._channel_id, self._stream = channel_id, stream_of(channel_id)
        self._fetched = 0

    async def look(self, message_id: int) -> _Found:
        """Return the link of a message, and the words of its turn."""
        posted = await self._newest(KeyKind.RECEIVED, message_id)
        own = posted is None or (isinstance(posted.event, MessagePosted) and posted.event.author is Author.SELF)
        if own and (question_id := await self._answered(message_id)):
            return await self._answer(message_id, question_id)
        turn = self._state.turn(message_id)
        if posted is None and turn is not None and turn.role is not Role.BOT:
            # It stands in the channel above this thread, where the conversation began.
            return Link(), await utterances(self._reader, self._channel_id, (turn,))
        if posted is not None:
            return link_of(self._state, (message_id,), posted), await self._posted(posted)
        return await self._fetch(message_id)

    async def _newest(self, kind: KeyKind, message_id: int) -> Recorded | None:
        """Return the newest event with a key that the state knows."""
        return max(await self._known(kind, message_id), key=lambda each: each.version, default=None)

    async def _known(self, kind: KeyKind, message_id: int) -> list[Recorded]:
        found = await self._reader.find(self._stream, kind, message_id)
        return [each for each in found if each.version <= self._state.version]

    async def _posted(self, posted: Recorded) -> tuple[Utterance, ...]:
        event = posted.event
        if not isinstance(event, MessagePosted):
            return ()
        turn = self._state.turn(event.message_id)
        if turn is None:
            edited = await self._newest(KeyKind.EDITED, event.message_id)
            turn = Turn(event.message_id, event.author_id, ROLES[event.author], (edited or posted).position)
        return await utterances(self._reader, self._channel_id, (turn,))

    async def _answered(self, message_id: int) -> int:
        """Return the question of the answer that a message of the bot is a part of; 0 if it is none."""
        turn = self._state.turn(message_id)
        if turn is not None:
            composed = (each.event for each in await self._reader.at((turn.position,)))
            return next((each.message_id for each in composed if isinstance(each, ReplyComposed)), 0)
        sent = await self._reader.sent_as(self._stream, message_id)
        return sent.event.message_id if sent is not None and isinstance(sent.event, ReplySent) else 0

    async def _answer(self, message_id: int, question_id: int) -> _Found:
        """Return the whole answer that a message is a part of, and before it the further messages that it answers."""
        composed = await self._newest(KeyKind.COMPOSED, question_id)
        sent = await self._known(KeyKind.SENT, question_id)
        parts = {each.event.sent_id: each for each in sent if isinstance(each.event, ReplySent)}
        if composed is None or message_id not in parts or await self._is_private(question_id):
            return _NOTHING
        words = list[Utterance]()
        for other_id in await joined(self._reader, self._channel_id, composed):
            other = await self._newest(KeyKind.RECEIVED, other_id)
            if other is not None and link_of(self._state, (other_id,), other).told:
                words += await self._posted(other)
        words += await self._whole(message_id, composed, [each.event for each in sent])
        return link_of(self._state, parts, parts[message_id]), tuple(words)

    async def _is_private(self, question_id: int) -> bool:
        question = await self._newest(KeyKind.RECEIVED, question_id)
        asked = question.event if question is not None else None
        return isinstance(asked, MessageReceived) and asked.via is Via.WHISPER

    async def _whole(self, message_id: int, composed: Recorded, sent: Iterable[Event]) -> tuple[Utterance, ...]:
        """Return an answer as one turn, without the parts that were deleted."""
        body = (await self._reader.bodies((composed.position,))).get(composed.position)
        parts = {each.sent_id: each.part for each in sent if isinstance(each, ReplySent)}
        there = {part for sent_id, part in parts.items() if await self._newest(KeyKind.DELETED, sent_id) is None}
        parts_there = tuple(text for part, text in enumerate(body.parts if body else ()) if part in there)
        text = told(Body(parts=parts_there), by_bot=True)
        return (Utterance(message_id, "", text, by_bot=True, reply_to=composed.event.about()),) if text else ()

    async def _fetch(self, message_id: int) -> _Found:
        """Fetch a message from Discord; nobody knows whether a rewind would have taken it out."""
        if self._source is None or self._state.rewound_version or self._fetched >= MOST_FETCHED:
            return _NOTHING
        self._fetched += 1
        found = await self._source.message(self._channel_id, message_id)
        return (Link(found.reply_to or 0), (found,)) if found else _NOTHING
