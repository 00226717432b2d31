"""The running summary of a conversation. Turns that leave the window are folded into it by a responder that can do so.

It is an effect of newly recorded answers, as sending is of requests: loading and replaying never ask for one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from bot.conversations import Conversations
from bot.core.commands import Summarise
from bot.core.conversation import Conversation
from bot.core.events import Body, ConversationSummarised, Recorded, ReplyComposed, WordsErased
from bot.core.summary import outgrown
from bot.eventlog.reader import Reader
from bot.replies.reading import utterances
from bot.responders.protocol import Answer, Responder, Utterance

_log = structlog.get_logger()


class Summaries:
    """Keeps the summaries of channels in which a model answers; ``may`` tells whether a channel is in its budget."""

    def __init__(
        self,
        conversations: Conversations,
        reader: Reader,
        responders: Sequence[Responder],
        may: Callable[[int], bool] = lambda _channel_id: True,
    ) -> None:
        self._conversations = conversations
        self._reader = reader
        self._responders = responders
        self._may = may
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def react(self, channel_id: int, state: Conversation, new: tuple[Recorded, ...]) -> None:
        """Begin a summary if a model has answered and enough turns are not in the last one.

        One under way ends where words are erased, because it may have read them; the next answer asks for it again.
        """
        if channel_id in self._tasks and any(isinstance(recorded.event, WordsErased) for recorded in new):
            self._tasks[channel_id].cancel()
        answered = any(isinstance(recorded.event, ReplyComposed) and recorded.event.model for recorded in new)
        if answered and channel_id not in self._tasks and outgrown(state) and self._may(channel_id):
            task = asyncio.get_running_loop().create_task(self._fold(channel_id), name=f"summary {channel_id}")
            self._tasks[channel_id] = task
            task.add_done_callback(lambda _done: self._tasks.pop(channel_id, None))

    async def stop(self) -> None:
        """Cancel summaries under way; the next answer asks for them again."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fold(self, channel_id: int) -> None:
        try:
            command = await self._written(channel_id)
            if command is not None:
                await self._conversations.handle(channel_id, command)
        except Exception as error:  # noqa: BLE001 - whatever a model raises: without a summary the bot forgets sooner
            _log.warning("summary.failed", channel=channel_id, reason=type(error).__name__)

    async def _written(self, channel_id: int) -> Summarise | None:
        """Have a summary written; return None if all of its words were erased, or if no summary can be written."""
        state = await self._conversations.state(channel_id)
        turns = outgrown(state)
        said = await utterances(self._reader, channel_id, turns)
        before = (await self._reader.bodies((state.summary_position,))).get(state.summary_position)
        if not said:
            return None
        answer = await self._summary(before.text if before else "", said)
        if answer is None:
            return None
        # Of those whose words it read: what was erased is not in it.
        people = {each.author_id for each in said if not each.by_bot}
        people |= await self._people(state.summary_position) if before else set()
        event = ConversationSummarised(
            upto=turns[-1].message_id,
            turns=len(said),
            previous=state.summary_position,
            people=tuple(sorted(people)),
            model=answer.model,
            tokens_in=answer.tokens_in,
            tokens_out=answer.tokens_out,
            cost_micros=answer.cost_micros,
            estimated=answer.estimated,
            priced=answer.priced,
        )
        return Summarise(event, Body(parts=(answer.text,)))

    async def _summary(self, before: str, said: Sequence[Utterance]) -> Answer | None:
        for responder in self._responders:
            answer = await responder.summarise(before, said)
            if answer is not None:
                return answer
        return None

    async def _people(self, position: int) -> set[int]:
        """Return the ids of the people whose words are in the summary at a position."""
        found = await self._reader.at((position,)) if position else []
        return {
            person
            for recorded in found
            if isinstance(recorded.event, ConversationSummarised)
            for person in recorded.event.people
        }
