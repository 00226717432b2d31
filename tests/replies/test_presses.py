"""Presses of buttons, judged by the log alone: who may, on what, and what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.conversations import Conversations
from bot.core import commands as c
from bot.core import events as e
from bot.core.buttons import ButtonId
from bot.core.streams import stream_of
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.replies.presses import Presses, Pressing, Taken
from bot.replies.words import Word

CHANNEL, ASKED, SENT, ASKER, OTHER = 5, 100, 201, 7, 8


@dataclass
class Room:
    """A channel with an answer that was cut, and presses of its buttons."""

    log: EventLog
    conversations: Conversations
    presses: Presses

    async def press(self, **more: object) -> Taken:
        """Press a button: Go on, as whoever asked, unless ``more`` says otherwise."""
        pressing = Pressing(
            CHANNEL, ButtonId(e.Button.GO_ON, ASKED), SENT, ASKER, 900, moderator=False, may_ask=lambda _: True
        )
        return await self.presses.take(replace(pressing, **more))  # type: ignore[arg-type]

    async def handle(self, command: c.Command) -> None:
        """Have something else happen in the channel."""
        await self.conversations.handle(CHANNEL, command)

    async def events(self, kind: type[e.Event]) -> list[e.Event]:
        """Return the events of one kind."""
        pages = [page async for page in self.log.reader.tail(stream_of(CHANNEL))]
        return [each.event for page in pages for each in page if type(each.event) is kind]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """Return a channel in which a model's answer was cut by its length."""
    log = await open_log(Location(tmp_path), clock=lambda: 1_700_000_000_000_000, full=False)
    conversations = Conversations(log)
    room = Room(log, conversations, Presses(conversations, log.reader))
    received = e.MessageReceived(message_id=ASKED, author_id=ASKER, sent_at=1)
    await room.handle(c.Receive(received, e.Body(parts=("Why?",)), call=e.Call.MENTION, responder="llm"))
    composed = e.ReplyComposed(message_id=ASKED, parts=1, responder="llm", model="m", finish="length")
    await room.handle(c.Compose(composed, e.Body(parts=("Because",))))
    await room.handle(c.Confirm(ASKED, 0, SENT, e.Proof.RESPONSE))
    yield room
    await conversations.close()
    await log.close()


AGAIN = ButtonId(e.Button.AGAIN, ASKED)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        pytest.param({}, "writing_on", id="who asked"),
        pytest.param({"button": AGAIN}, "writing_anew", id="who asked, anew"),
        pytest.param({"user_id": OTHER, "moderator": True}, "writing_on", id="a moderator"),
        pytest.param({"user_id": OTHER}, "not_yours", id="somebody else"),
        pytest.param({"button": ButtonId(e.Button.GO_ON, 101)}, "gone", id="of no message"),
        pytest.param({"sent_id": 202}, "gone", id="under another message"),
        pytest.param({"channel_id": 6}, "gone", id="in another channel"),
        pytest.param({"button": ButtonId(e.Button.GO_ON, ASKED, 2)}, "pressed", id="of another generation"),
        pytest.param({"button": ButtonId(e.Button.STOP, ASKED)}, "complete", id="nothing to stop"),
        pytest.param({"may_ask": lambda _: False}, "limit", id="the limits forbid it"),
    ],
)
async def test_who_may_press_what(room: Room, more: dict[str, object], word: Word) -> None:
    """What is not allowed changes nothing."""
    before = await room.log.reader.head(stream_of(CHANNEL))
    done = word.startswith("writing")

    assert await room.press(**more) == Taken(word, done=done)
    assert await room.log.reader.head(stream_of(CHANNEL)) == before + 2 * done


async def _reset(room: Room) -> None:
    await room.handle(c.Reset("moderator"))


async def _erase(room: Room) -> None:
    await room.handle(c.Delete(ASKED))


async def _pause(room: Room) -> None:
    await room.handle(c.Record(e.RepliesPaused(by="moderator")))


async def _answer_anew(room: Room) -> None:
    await room.press(button=AGAIN)
    composed = e.ReplyComposed(message_id=ASKED, parts=1, responder="llm", generation=2, finish="stop")
    await room.handle(c.Compose(composed, e.Body(parts=("Therefore",))))
    await room.handle(c.Complete(ASKED))


async def _fail_anew(room: Room) -> None:
    await room.press(button=AGAIN)
    await room.handle(c.Abandon(ASKED, e.AbandonReason.POISON))


@pytest.mark.parametrize(
    ("happens", "word"),
    [
        pytest.param(_reset, "rewound", id="the conversation was reset"),
        pytest.param(_erase, "erased", id="the question was deleted"),
        pytest.param(_pause, "paused", id="answers are paused"),
        pytest.param(_answer_anew, "pressed", id="it was answered anew"),
        pytest.param(_fail_anew, "writing_on", id="that failed"),
    ],
)
async def test_what_happened_meanwhile(room: Room, happens: Callable[[Room], object], word: Word) -> None:
    """A button stands for an answer that is still there."""
    await happens(room)  # type: ignore[misc]

    assert (await room.press(press_id=901)).word == word


async def test_a_repeated_press_has_one_effect(room: Room) -> None:
    """Whether Discord repeats it or the person presses twice."""
    words = [(await room.press()).word, (await room.press()).word, (await room.press(press_id=901)).word]

    assert words == ["writing_on", "busy", "busy"]
    (retried,) = await room.events(e.ReplyRetried)
    assert isinstance(retried, e.ReplyRetried)
    assert (retried.generation, retried.continues, retried.sent_ids) == (2, 3, (SENT,))
    assert len(await room.events(e.ButtonPressed)) == 1


async def test_what_was_given_up_is_asked_for_once_more(room: Room) -> None:
    """By the button of the answer that stands: the other one never came."""
    await _fail_anew(room)
    await room.press(press_id=901)

    retried = (await room.events(e.ReplyRetried))[-1]
    assert isinstance(retried, e.ReplyRetried)
    assert (retried.generation, retried.continues) == (2, 3)
