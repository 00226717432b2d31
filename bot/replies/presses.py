"""What a press of a button under an answer does. The log alone says what the button belongs to.

A press is recorded in one transaction with what follows from it. So a press that a crash interrupts is either not
recorded, and the person presses again, or the next process goes on with it. Presses are taken one after the other,
and a button is that of one generation of the answer, so that two presses have one effect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.conversations import Conversations
from bot.core.buttons import ButtonId
from bot.core.commands import Press
from bot.core.conversation import Conversation
from bot.core.ending import CUTS
from bot.core.events import Button, ButtonPressed, ReplyRequested
from bot.core.outbox import Pending
from bot.core.reply_record import ReplyRecord
from bot.eventlog.reader import Reader
from bot.replies.repair import MOST_GENERATIONS, record_of
from bot.replies.words import Word


@dataclass(frozen=True, slots=True)
class Pressing:
    """A press of ``button`` under message ``sent_id``, by a person; ``press_id`` is the interaction's id.

    ``moderator``: the person may do this to everybody's answers. ``may_ask`` tells, by the responder's name, whether
    the limits let the person have another answer.
    """

    channel_id: int
    button: ButtonId
    sent_id: int
    user_id: int
    press_id: int
    moderator: bool
    may_ask: Callable[[str], bool]

    @property
    def event(self) -> ButtonPressed:
        """Return the event that records it."""
        return ButtonPressed(
            message_id=self.button.message_id,
            button=self.button.button,
            user_id=self.user_id,
            sent_id=self.sent_id,
            press_id=self.press_id,
            generation=self.button.generation,
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a press: the word to say, and whether anything follows from it."""

    word: Word
    done: bool = False


class Presses:
    """Takes presses, one after the other."""

    def __init__(self, conversations: Conversations, reader: Reader) -> None:
        self._conversations = conversations
        self._reader = reader
        self._turn = asyncio.Lock()

    async def take(self, pressing: Pressing) -> Taken:
        """Record a press and what follows from it, or say why nothing does; raises LogError."""
        async with self._turn:
            message_id = pressing.button.message_id
            record = await record_of(self._reader, pressing.channel_id, message_id)
            known = any(sent.sent_id == pressing.sent_id for sent in record.sent)
            if record.request is None or record.asked or not known:
                return Taken("gone")
            if pressing.user_id != record.request.author_id and not pressing.moderator:
                return Taken("not_yours")
            state = await self._conversations.state(pressing.channel_id)
            entry = state.pending(message_id)
            if pressing.button.button is Button.STOP:
                return await self._stop(pressing, entry)
            refusal = await self._refusal(pressing, state, record, record.request)
            return Taken(refusal) if refusal else await self._ask(pressing, record, record.request)

    async def _stop(self, pressing: Pressing, entry: Pending | None) -> Taken:
        if entry is not None and entry.stopped and not entry.composed:
            return Taken("stopping", done=True)
        done = await self._conversations.handle(pressing.channel_id, Press(pressing.event))
        return Taken("stopping", done=True) if done else Taken("complete")

    async def _ask(self, pressing: Pressing, record: ReplyRecord, request: ReplyRequested) -> Taken:
        """Ask for another answer. One that was asked for and given up is asked for once more."""
        goes_on = pressing.button.button is Button.GO_ON
        retried = record.asked_again(request, str(pressing.user_id), anew=record.written, goes_on=goes_on)
        if not await self._conversations.handle(pressing.channel_id, Press(pressing.event, retried)):
            return Taken("busy")
        return Taken("writing_on" if goes_on else "writing_anew", done=True)

    async def _refusal(
        self, pressing: Pressing, state: Conversation, record: ReplyRecord, request: ReplyRequested
    ) -> Word | None:
        """Return why no other answer may be asked for, None if one may."""
        button, composed = pressing.button, record.composed
        if state.pending(button.message_id) is not None:
            return "busy"
        cut = composed is not None and composed.finish in CUTS
        newer = record.written and button.generation != record.generation
        if composed is None or newer or (button.button is Button.GO_ON and not cut):
            return "pressed"
        if await self._is_rewound(state, record):
            return "rewound"
        words = {record.asked_position, *((record.composed_position,) if button.button is Button.GO_ON else ())}
        if words - (await self._reader.bodies(words)).keys():
            return "erased"
        if state.paused:
            return "paused"
        most = record.written and record.generation >= MOST_GENERATIONS
        return "limit" if most or not pressing.may_ask(request.responder) else None

    async def _is_rewound(self, state: Conversation, record: ReplyRecord) -> bool:
        """Tell whether a rewind or reset took the answer out of the conversation."""
        if any(state.turn(sent.sent_id) for sent in record.sent):
            return False
        recorded = await self._reader.at((record.composed_position,))
        return any(each.version < state.rewound_version for each in recorded)
