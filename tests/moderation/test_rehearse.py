from __future__ import annotations

import sys
from dataclasses import replace
from subprocess import run

import pytest

from bot.core import commands as c
from bot.core import events as e
from bot.core.addressing import Own
from bot.core.place_settings import PERSONA
from bot.core.streams import guild_stream
from bot.moderation import rehearse
from bot.moderation.command import ModerationError
from bot.moderation.context import CommandContext
from bot.replies.place_settings import Surroundings
from tests.model import actor
from tests.moderating import Moderation
from tests.moderation.conftest import CHANNEL, Room


async def test_what_would_be_said_stands_beside_what_was_said(room: Room) -> None:
    """With the window and the words as they were then, and without the mention."""
    await room.says(10)
    await room.says(20, "<@99> how?", asks=True)
    await room.answers(20, "how? after 7")
    await room.says(30)
    version = await room.version()

    report = await room.moderation.rehearse(CHANNEL, message_id=21)

    assert report.data["messages"] == [
        {
            "message_id": "20",
            "said": ["how? after 7"],
            "outcome": "answered in 1 part",
            "would_say": ["how? after 1"],
            "trouble": "",
            "tools": [],
            "same": False,
        }
    ]
    assert {"  was said:  how? after 7", "  would say: how? after 1", "  different"} <= set(report.lines)
    ((question, history),) = room.echo.asked
    assert (question.text, [said.message_id for said in history]) == ("how?", [10])
    assert version == await room.version()


async def test_the_last_ones_are_rehearsed_in_order(room: Room) -> None:
    """Those that the bot was to answer, whatever became of them."""
    for number in (10, 20, 30):
        await room.says(number, f"q{number}", asks=True)
    await room.answers(20, "q20 after 1")
    await room.do(c.Abandon(30, e.AbandonReason.FORBIDDEN))

    report = await room.moderation.rehearse(CHANNEL, last=2)

    assert [
        (each["message_id"], each["said"], each["would_say"], each["same"]) for each in report.data["messages"]
    ] == [
        ("20", ["q20 after 1"], ["q20 after 1"], True),
        ("30", [], ["q30 after 2"], False),
    ]
    assert "  was said:  [nothing: given up: forbidden]" in report.lines


async def test_messages_answered_together_are_asked_together(room: Room) -> None:
    """As one question."""
    await room.says(10, "one", asks=True)
    await room.says(20, "two", asks=True)
    await room.composes(10, "both", together=(20,))

    await room.moderation.rehearse(CHANNEL, message_id=10)

    assert room.echo.asked[0][0].text == "one\ntwo"


async def test_an_edit_after_the_answer_changes_no_rehearsal(room: Room) -> None:
    """The words count that were answered; where nothing was answered, the newest."""
    await room.says(10, "old", asks=True)
    await room.answers(10, "so")
    await room.says(20, "old", asks=True)
    for message_id in (10, 20):
        edited = e.MessageEdited(message_id=message_id, author_id=41, edited_at=1)
        await room.do(c.Edit(edited, e.Body(parts=("new",))))

    await room.moderation.rehearse(CHANNEL, last=2)

    assert {question.message_id: question.text for question, _ in room.echo.asked} == {10: "old", 20: "new"}


async def test_where_the_bot_s_id_is_not_known_the_mention_tells(room: Room) -> None:
    """Beside a log, without Discord."""
    await room.says(10, "<@!123> how?", asks=True)

    await Moderation(replace(room.context, called=lambda _channel_id: Own())).rehearse(CHANNEL, message_id=10)

    assert room.echo.asked[0][0].text == "how?"


async def test_a_model_is_who_it_is_now(room: Room) -> None:
    """By the channel's persona or the server's, and with the topic; beside the log alone the server is known."""
    model = actor()
    context = replace(room.context, responders=(model,))
    discord = replace(context, around=lambda _channel_id: Surroundings(guild_id=9, topic="maps"))
    await room.do(c.Choose(PERSONA, "7", "a judge"))
    await room.says(10, "who?", asks=True)
    await room.answers(10, "as a judge about maps")

    async def would_say(context: CommandContext) -> list[str]:
        report = await Moderation(context).rehearse(CHANNEL, message_id=10)
        answers: list[str] = report.data["messages"][0]["would_say"]
        return answers

    said = [await would_say(discord)]
    await room.do(c.Choose(PERSONA, "7", "a pirate"))
    said.append(await would_say(discord))
    await room.do(c.Choose(PERSONA, "7", ""))
    await room.log.append(guild_stream(9), (PERSONA.change("7", "a ghost", 7),))
    said += [await would_say(discord), await would_say(context)]

    assert said == [
        ["as a judge about maps"],
        ["as a pirate about maps"],
        ["as a ghost about maps"],
        ["as a ghost about nothing"],
    ]


@pytest.mark.parametrize(
    ("text", "error", "trouble"),
    [
        pytest.param("silence", None, "the responder has no answer", id="no answer"),
        pytest.param("how?", RuntimeError("secret"), "the responder failed (RuntimeError)", id="a failure"),
        pytest.param("how?", TimeoutError(), "no answer within 60 s", id="too slow"),
    ],
)
async def test_no_answer_has_a_reason(room: Room, text: str, error: Exception | None, trouble: str) -> None:
    """Which does not quote the error."""
    await room.says(10, text, asks=True)
    room.echo.error = error

    report = await room.moderation.rehearse(CHANNEL, last=1)

    assert report.data["messages"][0]["trouble"] == trouble
    assert f"  would say: [nothing: {trouble}]" in report.lines


async def test_what_can_t_be_rehearsed_is_refused(room: Room) -> None:
    """Too many, nothing asked yet, no key to the words."""
    await room.says(10)

    with pytest.raises(ModerationError, match="Between 1 and 10"):
        await room.moderation.rehearse(CHANNEL, last=11)
    with pytest.raises(ModerationError, match="Nobody asked"):
        await room.moderation.rehearse(CHANNEL)
    blind = replace(room.log.aside, vault=None)
    with pytest.raises(ModerationError, match="without its key"):
        await Moderation(replace(room.context, reader=blind)).rehearse(CHANNEL)


def test_no_sender_can_be_reached_from_a_rehearsal() -> None:
    """What it imports, however far, holds neither a sender nor what drives one."""
    program = f"import sys, {rehearse.__name__}; print(*sys.modules)"

    modules = run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert rehearse.__name__ in modules
    assert not {"bot.replies.sender", "bot.replies.worker", "bot.replies.service", "bot.gateway", "discord"} & set(
        modules
    )
