"""From a requested reply to the text of its parts: the question, the history a responder wants, the answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.core.addressing import without_mention
from bot.core.commands import Compose
from bot.core.conversation import Conversation, Pending, Role
from bot.core.events import Body, ReplyComposed
from bot.core.parts import split
from bot.eventlog.reader import Reader
from bot.responders.protocol import Question, Responder, Utterance


class WordsErased(Exception):
    """The words of the question, or of the answer, are no longer in the vault."""


@dataclass(frozen=True, slots=True)
class Composer:
    """Asks the responder, once per reply, and reads back what it said."""

    reader: Reader
    responder: Responder
    window: int
    timeout: float

    async def compose(self, state: Conversation, channel_id: int, entry: Pending, own_id: int) -> Compose | None:
        """Return the answer to record, or None when the responder has none; raises whatever the responder raises."""
        body = (await self.reader.bodies((entry.asked_at,))).get(entry.asked_at)
        if body is None:
            raise WordsErased
        question = Question(
            channel_id=channel_id,
            message_id=entry.message_id,
            author_id=entry.author_id,
            author=body.name,
            text=without_mention(body.text, own_id),
        )
        history = await self._history(state, entry) if self.responder.wants_history else ()
        async with asyncio.timeout(self.timeout):
            answer = await self.responder.compose(question, history)
        parts = split(answer.text) if answer else ()
        if answer is None or not parts:
            return None
        event = ReplyComposed(
            message_id=entry.message_id,
            parts=len(parts),
            responder=self.responder.name,
            rule=answer.rule,
            model=answer.model,
            tokens_in=answer.tokens_in,
            tokens_out=answer.tokens_out,
            cost_micros=answer.cost_micros,
        )
        return Compose(event, Body(parts=parts))

    async def parts(self, entry: Pending) -> tuple[str, ...]:
        """Return the recorded text of a composed reply; raise WordsErased when it is gone."""
        body = (await self.reader.bodies((entry.composed_at,))).get(entry.composed_at)
        if body is None or len(body.parts) != len(entry.sent_ids):
            raise WordsErased
        return body.parts

    async def _history(self, state: Conversation, entry: Pending) -> tuple[Utterance, ...]:
        turns = [turn for turn in state.window if turn.message_id < entry.message_id][-self.window :]
        bodies = await self.reader.bodies({turn.position for turn in turns})
        return tuple(
            Utterance(turn.message_id, body.name, body.parts[turn.part], turn.role is Role.BOT)
            for turn in turns
            if (body := bodies.get(turn.position)) and turn.part < len(body.parts)
        )
