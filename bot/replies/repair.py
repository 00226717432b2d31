"""Asking for a reply again by hand: one that was given up as it is, one that was given composed anew."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.conversations import Conversations
from bot.core.commands import Retry
from bot.core.events import (
    AbandonReason,
    MessageEdited,
    Recorded,
    ReplyAbandoned,
    ReplyBegun,
    ReplyCompleted,
    ReplyComposed,
    ReplyRequested,
    ReplyRetried,
    ReplySent,
)
from bot.core.outbox import ASKED
from bot.core.streams import stream_of
from bot.errors import EcholessError
from bot.eventlog.reader import Query, Reader

ITSELF = "the bot"
MOST_GENERATIONS = 9
"""Answers to one message: what tells their parts apart has to fit into Discord's nonce (FACTS 1.1)."""


class NothingToRetry(EcholessError):
    """The reply can't be asked for again: the message says why."""


async def retry(
    conversations: Conversations, reader: Reader, channel_id: int, message_id: int, *, by: str
) -> tuple[Recorded, ...]:
    """Ask for the reply to a message again and return what was recorded.

    What was composed stays as it is, and parts that are in Discord are not sent again. Raises NothingToRetry when the
    message was never to be answered, was answered, or still waits for its answer.
    """
    request, past = await _past(conversations, reader, channel_id, message_id)
    if past.complete:
        raise NothingToRetry(f"Message {message_id} was answered: all parts of the reply are in Discord.")
    return await conversations.handle(channel_id, Retry(past.asked_again(request, by, past.generation)))


async def again(
    conversations: Conversations, reader: Reader, channel_id: int, message_id: int, *, by: str
) -> tuple[Recorded, ...]:
    """Have the answer to a message composed anew, into the messages that show the present one.

    Returns what was recorded. Raises NothingToRetry when there is no answer yet, or it is being written.
    """
    request, past = await _past(conversations, reader, channel_id, message_id)
    if past.together:
        raise NothingToRetry(f"Message {message_id} was answered together with message {past.together}: name that one.")
    if not past.composed_at:
        raise NothingToRetry(f"Message {message_id} has no answer to be composed anew: retry its reply instead.")
    if past.generation >= MOST_GENERATIONS:
        raise NothingToRetry(f"Message {message_id} was answered {past.generation} times: that is the most.")
    return await conversations.handle(channel_id, Retry(past.asked_again(request, by, past.generation + 1)))


async def tidy(conversations: Conversations, reader: Reader, channel_id: int, message_id: int) -> tuple[Recorded, ...]:
    """Take up a complete reply once more, to have messages deleted that its answer turned out not to need.

    Such a one was on its way when a process died, and arrived after the next one had looked for it. Raises
    NothingToRetry when the reply is not complete.
    """
    request, past = await _past(conversations, reader, channel_id, message_id)
    if not past.complete:
        raise NothingToRetry(f"The reply to message {message_id} is not complete: nothing of it is left over.")
    return await conversations.handle(channel_id, Retry(past.asked_again(request, ITSELF, past.generation)))


async def complete(reader: Reader, channel_id: int, message_id: int) -> bool:
    """Tell whether Discord shows all of the newest answer to a message."""
    return (await _followed(reader, channel_id, message_id)).complete


@dataclass(slots=True)
class _Past:
    """What is on record about one reply; ``sent`` holds the newest message of each part.

    ``parts`` is how many the newest answer that was composed has, ``shown`` how many of the one after it are there.
    """

    request: ReplyRequested | None = None
    asked_at: int = 0
    generation: int = 1
    begun: bool = False
    completed: bool = False
    composed_at: int = 0
    parts: int = 0
    shown: int = 0
    together: str = ""
    sent: dict[int, int] = field(default_factory=dict)

    def follow(self, recorded: Recorded) -> None:
        """Take one more event about the message."""
        match recorded.event:
            case ReplyRequested() as event:
                self.request, self.asked_at = event, recorded.causation or 0
            case MessageEdited():
                self.asked_at = recorded.position
            case ReplyRetried(generation=generation) as event:
                self.together = ""
                self.completed = False
                self.begun = event.begun
                if generation > self.generation:
                    self.generation, self.composed_at, self.shown = generation, 0, 0
            case ReplyBegun():
                self.begun = True
            case ReplyComposed(parts=parts):
                self.composed_at, self.parts = recorded.position, parts
            case ReplySent(part=part, sent_id=sent_id, generation=generation):
                self.sent[part] = sent_id
                if generation == self.generation:
                    self.shown = max(self.shown, part + 1)
            case ReplyCompleted():
                self.completed = True
            case ReplyAbandoned(reason=AbandonReason.TOGETHER, detail=detail):
                self.together = detail

    @property
    def complete(self) -> bool:
        """Tell whether everything that was composed is in Discord."""
        there = self.composed_at > 0 and all(part in self.sent for part in range(self.parts))
        return there and (self.completed or not self.begun)

    def asked_again(self, request: ReplyRequested, by: str, generation: int) -> ReplyRetried:
        """Return the event that asks for the answer again, or for the next one."""
        anew = generation > self.generation
        # An answer that was given up while it was written has the parts that were shown of it, and those of the one
        # before; what that one had not needed is gone.
        parts = self.parts if self.composed_at else max(self.parts, self.shown)
        return ReplyRetried(
            message_id=request.message_id,
            author_id=request.author_id,
            by=by,
            responder=request.responder,
            asked_at=self.asked_at,
            composed_at=0 if anew else self.composed_at,
            sent_ids=tuple(self.sent.get(part, 0) for part in range(parts)),
            begun=anew or self.begun,
            surplus=tuple(sent_id for part, sent_id in sorted(self.sent.items()) if part >= parts),
            generation=generation,
        )


async def _past(
    conversations: Conversations, reader: Reader, channel_id: int, message_id: int
) -> tuple[ReplyRequested, _Past]:
    """Return what is on record about a reply that is finished; raise NothingToRetry where there is none."""
    past = await _followed(reader, channel_id, message_id)
    if past.request is None:
        raise NothingToRetry(f"No reply to message {message_id} was ever requested in channel {channel_id}.")
    if past.request.via in ASKED:
        raise NothingToRetry(f"Question {message_id} was asked by a command, whose time is over: ask it again.")
    if (await conversations.state(channel_id)).pending(message_id) is not None:
        raise NothingToRetry(f"The reply to message {message_id} is not given up: it is still being tried.")
    return past.request, past


async def _followed(reader: Reader, channel_id: int, message_id: int) -> _Past:
    past = _Past()
    async for recorded in reader.events(Query(stream=stream_of(channel_id), message_id=message_id)):
        past.follow(recorded)
    return past
