"""A log in real files whose conversations a test can write, and the moderators' commands on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.consumers.activity.reading import count_activity
from bot.conversations import Conversations
from bot.core import commands as c
from bot.core import events as e
from bot.core.addressing import Own
from bot.core.streams import stream_of
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.moderation.context import CommandContext, WritableLog
from bot.responders import Answer, Context, Question, Responder, Utterance
from tests.moderating import Moderation

CHANNEL = 5000
SECOND = 1_000_000
BEGAN = 1_700_000_000
BY = "user 7"


class Echo(Responder):
    """A responder that answers with what it was given, however often it is asked."""

    name = "echo"
    wants_history = True

    def __init__(self) -> None:
        self.asked: list[tuple[Question, tuple[Utterance, ...]]] = []
        self.error: Exception | None = None

    def claims(self, question: Question) -> bool:
        """Answer everything."""
        return bool(question.text)

    async def answer(self, question: Question, context: Context) -> Answer | None:
        """Answer with the question and the number of turns before it."""
        self.asked.append((question, tuple(context.history)))
        if self.error is not None:
            raise self.error
        return None if question.text == "silence" else Answer(f"{question.text} after {len(context.history)}")


@dataclass
class Room:
    """A channel, what happens in it, and what moderators ask about it."""

    log: EventLog
    conversations: Conversations
    moderation: Moderation
    echo: Echo
    context: CommandContext
    id: int = CHANNEL

    async def do(self, command: c.Command) -> tuple[e.Recorded, ...]:
        """Record what follows from a command."""
        return await self.conversations.handle(self.id, command)

    async def says(self, message_id: int, text: str = "", *, asks: bool = False, **more: Any) -> None:  # noqa: ANN401
        """Let a person post a message."""
        event = e.MessageReceived(message_id=message_id, author_id=more.pop("author", 41), sent_at=0, guild_id=9)
        body = e.Body(name="ada", parts=(text or f"text {message_id}",))
        await self.do(c.Receive(event, body, e.Call.MENTION if asks else None, "echo", **more))

    async def composes(self, message_id: int, *parts: str, together: tuple[int, ...] = ()) -> None:
        """Let the bot write its answer."""
        event = e.ReplyComposed(message_id=message_id, parts=len(parts), responder="echo", settings="abc", rule="7")
        await self.do(c.Compose(event, e.Body(parts=parts), together))

    async def sends(self, message_id: int, sent_id: int, part: int = 0) -> None:
        """Let a part of the answer arrive."""
        await self.do(c.Confirm(message_id, part, sent_id, e.Proof.RESPONSE))

    async def answers(self, message_id: int, text: str) -> None:
        """Let the bot answer a message in one part, whose id is the next one."""
        await self.composes(message_id, text)
        await self.sends(message_id, message_id + 1)

    async def window(self) -> list[int]:
        """Return the ids of the turns in the window, as the log tells it."""
        return [turn.message_id for turn in (await self.log.reader.load(stream_of(self.id))).state.window]

    async def version(self) -> int:
        """Return the channel's version."""
        return await self.log.reader.head(stream_of(self.id))

    async def history(self) -> list[e.Recorded]:
        """Return every event of the channel."""
        return [recorded async for page in self.log.reader.tail(stream_of(self.id)) for recorded in page]


Open = Callable[..., Any]


@pytest.fixture
def ticking() -> Callable[[], int]:
    """Return a clock that moves on by a second whenever it is read."""
    seconds: Iterator[int] = count(BEGAN)
    return lambda: next(seconds) * SECOND


@pytest.fixture
async def room(tmp_path: Path, ticking: Callable[[], int]) -> AsyncIterator[Room]:
    """Return an empty channel of a log that this process owns."""
    log = await open_log(Location(tmp_path), clock=ticking, full=False)
    room = furnish(log, tmp_path, ticking)
    yield room
    await room.conversations.close()
    await log.close()


def furnish(log: EventLog, folder: Path, clock: Callable[[], int]) -> Room:
    """Return a channel of a log, with everything that the commands need."""
    conversations, echo = Conversations(log), Echo()
    activity = partial(count_activity, log.aside, folder)
    context = CommandContext(folder, log.aside, (echo,), 64, "abc", clock, activity, called=lambda _channel: Own(99))
    context = replace(context, owner=WritableLog(log, conversations))
    return Room(log, conversations, Moderation(context), echo, context)
