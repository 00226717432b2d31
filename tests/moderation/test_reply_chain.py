"""The chain of replies that leads to a question, as the log tells it: whole turns, edits, erasures, rewinds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from bot.core import commands as c
from bot.core import events as e
from bot.core.streams import BOT_STREAM
from bot.replies.reply_chains import MOST_FETCHED, ReplyChains
from bot.responders.protocol import Utterance
from tests.moderating import Moderation
from tests.moderation.conftest import BY, CHANNEL, Room


@dataclass
class History:
    """Messages that Discord holds and the log does not, each in reply to the one before it."""

    ids: range = range(0)
    asked: list[int] = field(default_factory=list)

    async def message(self, channel_id: int, message_id: int) -> Utterance | None:
        """Return a message, if it is one of these."""
        assert channel_id == CHANNEL
        self.asked.append(message_id)
        if message_id not in self.ids:
            return None
        return Utterance(message_id, "eve", f"old {message_id}", by_bot=False, author_id=5, reply_to=message_id - 1)


@dataclass
class Talk:
    """A channel in which people reply to each other."""

    room: Room
    history: History

    async def says(
        self, message_id: int, reply_to: int | None = None, *, asks: bool = False, via: e.Via = e.Via.LIVE
    ) -> None:
        """Let a person post a message."""
        event = e.MessageReceived(
            message_id=message_id, author_id=41, sent_at=0, guild_id=9, reply_to=reply_to, via=via
        )
        body = e.Body(name="ada", parts=(f"text {message_id}",))
        await self.room.do(c.Receive(event, body, e.Call.MENTION if asks else None, "echo"))

    async def asks(self, message_id: int, reply_to: int | None, *parts: str, together: tuple[int, ...] = ()) -> None:
        """Let a person ask, and the bot answer in parts, whose ids follow."""
        await self.says(message_id, reply_to, asks=True)
        await self.room.composes(message_id, *(parts or (f"answer {message_id}",)), together=together)
        for part in range(len(parts) or 1):
            await self.room.sends(message_id, message_id + 1 + part, part)

    async def before(self, reply_to: int | None, most: int = 64) -> list[str]:
        """Return the words of the chain that ends with a message."""
        chains = ReplyChains(self.room.log.reader, most, self.history)
        state = await self.room.conversations.state(CHANNEL)
        return [turn.text for said in await chains.before(state, CHANNEL, reply_to) for turn in said.words]


@pytest.fixture
def talk(room: Room) -> Talk:
    """Return an empty channel."""
    return Talk(room, History())


async def test_branches_of_a_channel_do_not_mix(talk: Talk) -> None:
    """Two people talk to the bot at the same time; what replies to nothing begins a conversation."""
    await talk.asks(10, None)
    await talk.asks(20, None)
    await talk.asks(30, 11)
    await talk.asks(40, 21)

    assert await talk.before(31) == ["text 10", "answer 10", "text 30", "answer 30"]
    assert await talk.before(41) == ["text 20", "answer 20", "text 40", "answer 40"]
    assert await talk.before(None) == []
    assert await talk.before(41, most=2) == ["text 40", "answer 40"]


async def test_a_long_answer_is_one_turn(talk: Talk) -> None:
    """Whichever of its parts is replied to; a part that was deleted is not told."""
    await talk.asks(10, None, "one", "two", "three")
    whole = ["text 10", "one\ntwo\nthree"]

    assert [await talk.before(part) for part in (11, 12, 13)] == [whole, whole, whole]

    await talk.room.do(c.Delete(12))
    assert await talk.before(13) == ["text 10", "one\nthree"]


async def test_all_questions_of_an_answer_lead_to_it(talk: Talk) -> None:
    """They were asked in a row, and answered together."""
    await talk.says(10, asks=True)
    await talk.says(11, asks=True)
    await talk.room.composes(10, "both", together=(11,))
    await talk.room.sends(10, 12)

    assert await talk.before(12) == ["text 10", "text 11", "both"]


async def test_edits_and_deletions_hold(talk: Talk) -> None:
    """The chain goes on beyond a message whose words are gone."""
    await talk.says(10)
    await talk.says(20, 10)
    await talk.says(30, 20)
    await talk.room.do(c.Edit(e.MessageEdited(message_id=10, author_id=41, edited_at=1), e.Body(parts=("new",))))
    await talk.room.do(c.Delete(20))

    assert await talk.before(30) == ["new", "text 30"]


async def test_what_a_rewind_took_out_is_not_told(talk: Talk) -> None:
    """A reset takes out everything before it; an undo brings it back."""
    await talk.asks(10, None)
    version = await talk.room.version()
    await talk.asks(20, 11, "two", "three")
    await talk.room.moderation.rewind(CHANNEL, str(version), by=BY)
    await talk.asks(30, 22)

    assert await talk.before(31) == ["text 10", "answer 10", "text 30", "answer 30"]

    await talk.room.moderation.undo(CHANNEL, by=BY)
    assert await talk.before(31) == ["text 10", "answer 10", "text 20", "two\nthree", "text 30", "answer 30"]

    await talk.room.moderation.reset(CHANNEL, by=BY)
    assert await talk.before(31) == []


async def test_what_the_window_has_outgrown_is_read_from_the_log(talk: Talk) -> None:
    """It is told as it stood last, and what was asked in private stays private."""
    await talk.asks(10, None, "one", "two")
    await talk.says(15, 12)
    await talk.room.do(c.Edit(e.MessageEdited(message_id=15, author_id=41, edited_at=1), e.Body(parts=("new",))))
    await talk.says(17, 15, via=e.Via.WHISPER)
    await talk.says(18, 17)
    for message_id in range(100, 170):
        await talk.says(message_id)

    assert await talk.before(15) == ["text 10", "one\ntwo", "new"]
    assert await talk.before(18) == ["text 18"]


async def test_what_the_log_never_held_is_fetched(talk: Talk) -> None:
    """Some messages, and none where the channel was rewound: nobody knows what would have been taken out."""
    talk.history = History(range(2, 30))
    await talk.says(30, 29)

    assert await talk.before(30) == [*(f"old {each}" for each in range(30 - MOST_FETCHED, 30)), "text 30"]

    await talk.room.moderation.reset(CHANNEL, by=BY)
    talk.history.asked.clear()
    assert (await talk.before(29), talk.history.asked) == ([], [])


async def test_why_and_rehearse_tell_the_chain(talk: Talk) -> None:
    """As it was when the answer was composed."""
    room = talk.room
    room.moderation = Moderation(replace(room.context, chains=ReplyChains(room.log.aside, 64)))
    await talk.asks(10, None)
    await talk.asks(20, None)
    await talk.asks(30, 11)

    told = [await room.moderation.why(CHANNEL, each) for each in (30, 20)]
    await room.moderation.rehearse(CHANNEL, message_id=30)

    assert [report.data["chain"] for report in told] == [["10", "11"], []]
    assert "chain: 2 turns by replies: 10, 11" in told[0].lines
    assert "chain: it replies to nothing, so it begins a conversation" in told[1].lines
    _, history = room.echo.asked[-1]
    assert [turn.text for turn in history] == ["text 10", "answer 10"]


async def test_why_knows_a_thread_without_discord(talk: Talk) -> None:
    """There, a question that replies to nothing goes on with the window."""
    room = talk.room
    room.moderation = Moderation(replace(room.context, chains=ReplyChains(room.log.aside, 64)))
    await room.log.append(BOT_STREAM, (e.Draft(e.ThreadSeen(channel_id=CHANNEL, parent_id=4)),))
    await talk.asks(10, None)
    await talk.asks(20, None)

    report = await room.moderation.why(CHANNEL, 20)

    assert (report.data["chain"], report.data["window"]) == (None, {"known": 2, "read": 2})
