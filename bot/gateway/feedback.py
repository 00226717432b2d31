"""Reactions to the bot's own messages: whose message it is, what it says, and whether it is new."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from bot.conversations import Conversations, stream_of
from bot.core.commands import React
from bot.core.events import Body, Feeling, ReactionAdded, ReactionRemoved, Role
from bot.eventlog.reader import Reader

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
        """Return what it says; a thumb may have a colour."""
        return next((feeling for thumb, feeling in _THUMBS if self.emoji.startswith(thumb)), Feeling.OTHER)


@dataclass(slots=True)
class Feedback:
    """Records reactions in the order in which they came."""

    conversations: Conversations
    reader: Reader
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _last: OrderedDict[tuple[int, int, str], bool] = field(default_factory=OrderedDict)

    async def take(self, reaction: Reaction) -> None:
        """Record a reaction, unless it is to somebody else's message or known already."""
        # To find out whose message it is may take a look at the log, which a later reaction must not overtake.
        async with self._turn:
            if reaction.ours is False or (reaction.ours is None and not await self._is_ours(reaction)):
                return
            if self._known(reaction):
                return
            kind = ReactionAdded if reaction.added else ReactionRemoved
            event = kind(message_id=reaction.message_id, author_id=reaction.person_id, feeling=reaction.feeling)
            await self.conversations.handle(reaction.channel_id, React(event, Body(parts=(reaction.emoji,))))

    def _known(self, reaction: Reaction) -> bool:
        key = (reaction.message_id, reaction.person_id, reaction.emoji)
        known = self._last.pop(key, None) is reaction.added
        self._last[key] = reaction.added
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        return known

    async def _is_ours(self, reaction: Reaction) -> bool:
        """Tell whether the log knows the message as the bot's: Discord names its author only with an addition."""
        state = await self.conversations.state(reaction.channel_id)
        turn = state.turn(reaction.message_id)
        if turn is not None:
            return turn.role is Role.BOT
        return await self.reader.sent_as(stream_of(reaction.channel_id), reaction.message_id) is not None
