"""Reactions to the bot's own messages: whose message it is, what the reaction means, and whether it is new."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from dataclasses import dataclass, field

from cachetools import LRUCache

from bot.conversations import Conversations
from bot.core.commands import React
from bot.core.events import Body, Feeling, ReactionAdded, ReactionRemoved, Role
from bot.core.streams import stream_of
from bot.eventlog.reader import Reader
from bot.moderation.reactions import GivenReaction, reactions_left

REMEMBERED = 10_000
"""How many reactions are remembered. One of these that is delivered again is not recorded again."""

_THUMBS = (("\N{THUMBS UP SIGN}", Feeling.UP), ("\N{THUMBS DOWN SIGN}", Feeling.DOWN))


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction from the gateway; ``ours`` is None when it does not say whose message it is."""

    channel_id: int
    message_id: int
    person_id: int
    emoji: str
    added: bool
    ours: bool | None = None

    @property
    def feeling(self) -> Feeling:
        """Return what the emoji means."""
        return feeling_of(self.emoji)


@dataclass(frozen=True, slots=True)
class Clearing:
    """A moderator removed all reactions from a message; with ``emoji``, only those with that emoji."""

    channel_id: int
    message_id: int
    emoji: str | None = None


def feeling_of(emoji: str) -> Feeling:
    """Return what an emoji means; a thumb may have any skin colour."""
    return next((feeling for thumb, feeling in _THUMBS if emoji.startswith(thumb)), Feeling.OTHER)


@dataclass(slots=True)
class Feedback:
    """Records reactions in the order in which they came; those of ``opted_out`` people without their emoji."""

    conversations: Conversations
    reader: Reader
    opted_out: Container[int] = frozenset()
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _last: LRUCache[tuple[int, int, str], bool] = field(default_factory=lambda: LRUCache(REMEMBERED))

    async def take(self, reaction: Reaction) -> None:
        """Record a reaction, unless it is to somebody else's message or known already."""
        # Whose message it is may have to be read from the log. A later reaction must not overtake that.
        async with self._turn:
            if reaction.ours is False or (reaction.ours is None and not await self._is_ours(reaction)):
                return
            if self._known(reaction.message_id, reaction.person_id, reaction.emoji, added=reaction.added):
                return
            kind = ReactionAdded if reaction.added else ReactionRemoved
            event = kind(message_id=reaction.message_id, author_id=reaction.person_id, feeling=reaction.feeling)
            await self._record(reaction.channel_id, event, reaction.emoji)

    async def clear(self, clearing: Clearing) -> None:
        """Record the removal of every recorded reaction that the moderator removed."""
        async with self._turn:
            for given in await reactions_left(self.reader, clearing.channel_id, clearing.message_id):
                emoji = clearing.emoji
                if emoji is None or given.is_with(emoji, feeling_of(emoji)):
                    await self._taken_back(clearing, given)

    async def _taken_back(self, clearing: Clearing, given: GivenReaction) -> None:
        self._known(clearing.message_id, given.person_id, given.emoji, added=False)
        event = ReactionRemoved(message_id=clearing.message_id, author_id=given.person_id, feeling=given.feeling)
        await self._record(clearing.channel_id, event, given.emoji)

    async def _record(self, channel_id: int, event: ReactionAdded | ReactionRemoved, emoji: str) -> None:
        body = None if event.author_id in self.opted_out else Body(parts=(emoji,) if emoji else ())
        await self.conversations.handle(channel_id, React(event, body))

    def _known(self, message_id: int, person_id: int, emoji: str, *, added: bool) -> bool:
        """Tell whether the last known state of this reaction is the same, and remember it."""
        key = (message_id, person_id, emoji)
        known = self._last.get(key) is added
        self._last[key] = added
        return known

    async def _is_ours(self, reaction: Reaction) -> bool:
        """Tell whether the log knows the message as the bot's. Discord names the author of added reactions only."""
        state = await self.conversations.state(reaction.channel_id)
        turn = state.turn(reaction.message_id)
        if turn is not None:
            return turn.role is Role.BOT
        return await self.reader.sent_as(stream_of(reaction.channel_id), reaction.message_id) is not None
