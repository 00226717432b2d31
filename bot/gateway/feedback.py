"""Reactions to the bot's own messages: whose message it is, what it says, and whether it is new."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from cachetools import LRUCache

from bot.conversations import Conversations
from bot.core.commands import React
from bot.core.events import Body, Feeling, ReactionAdded, ReactionRemoved, Role
from bot.core.streams import stream_of
from bot.eventlog.reader import Reader
from bot.moderation.reactions import GivenReaction, reactions_left

REMEMBERED = 10_000
"""How many reactions are remembered, so that one delivered again is not recorded again."""

_THUMBS = (("\N{THUMBS UP SIGN}", Feeling.UP), ("\N{THUMBS DOWN SIGN}", Feeling.DOWN))


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction as the gateway tells of it; ``ours`` is None where it does not say whose the message is."""

    channel_id: int
    message_id: int
    person_id: int
    emoji: str
    added: bool
    ours: bool | None = None

    @property
    def feeling(self) -> Feeling:
        """Return what it says."""
        return feeling_of(self.emoji)


@dataclass(frozen=True, slots=True)
class Clearing:
    """A moderator took everybody's reactions off a message, or with ``emoji`` those of one."""

    channel_id: int
    message_id: int
    emoji: str | None = None


def feeling_of(emoji: str) -> Feeling:
    """Return what an emoji says; a thumb may have a colour."""
    return next((feeling for thumb, feeling in _THUMBS if emoji.startswith(thumb)), Feeling.OTHER)


@dataclass(slots=True)
class Feedback:
    """Records reactions in the order in which they came."""

    conversations: Conversations
    reader: Reader
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _last: LRUCache[tuple[int, int, str], bool] = field(default_factory=lambda: LRUCache(REMEMBERED))

    async def take(self, reaction: Reaction) -> None:
        """Record a reaction, unless it is to somebody else's message or known already."""
        # To find out whose message it is may take a look at the log, which a later reaction must not overtake.
        async with self._turn:
            if reaction.ours is False or (reaction.ours is None and not await self._is_ours(reaction)):
                return
            if self._known(reaction.message_id, reaction.person_id, reaction.emoji, added=reaction.added):
                return
            kind = ReactionAdded if reaction.added else ReactionRemoved
            event = kind(message_id=reaction.message_id, author_id=reaction.person_id, feeling=reaction.feeling)
            await self.conversations.handle(reaction.channel_id, React(event, Body(parts=(reaction.emoji,))))

    async def clear(self, clearing: Clearing) -> None:
        """Record as taken back whatever the log knows of that was taken off."""
        async with self._turn:
            for given in await reactions_left(self.reader, clearing.channel_id, clearing.message_id):
                emoji = clearing.emoji
                if emoji is None or given.is_with(emoji, feeling_of(emoji)):
                    await self._taken_back(clearing, given)

    async def _taken_back(self, clearing: Clearing, given: GivenReaction) -> None:
        self._known(clearing.message_id, given.person_id, given.emoji, added=False)
        event = ReactionRemoved(message_id=clearing.message_id, author_id=given.person_id, feeling=given.feeling)
        body = Body(parts=(given.emoji,) if given.emoji else ())
        await self.conversations.handle(clearing.channel_id, React(event, body))

    def _known(self, message_id: int, person_id: int, emoji: str, *, added: bool) -> bool:
        """Tell whether a reaction is the one that was seen last, and remember it."""
        key = (message_id, person_id, emoji)
        known = self._last.get(key) is added
        self._last[key] = added
        return known

    async def _is_ours(self, reaction: Reaction) -> bool:
        """Tell whether the log knows the message as the bot's: Discord names its author only with an addition."""
        state = await self.conversations.state(reaction.channel_id)
        turn = state.turn(reaction.message_id)
        if turn is not None:
            return turn.role is Role.BOT
        return await self.reader.sent_as(stream_of(reaction.channel_id), reaction.message_id) is not None
