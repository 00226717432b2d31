"""Who is addressed, over a whole Discord: by a role, a name, a place, a thread, an edit; live, missed, found later."""

from __future__ import annotations

import pytest

from bot.core.events import (
    Call,
    KeyKind,
    MessageEdited,
    MessageReceived,
    MessageSkipped,
    ReplyRequested,
    ReplySent,
    SkipReason,
)
from bot.core.streams import stream_of
from bot.responders import Answer, Context, Question, Responder
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Launch, RunningBot


class Parrot(Responder):
    """Answers everything that is said to the bot with what it was given to read."""

    name = "parrot"
    answers_everything = True

    def claims(self, question: Question) -> bool:
        """Take whatever has words."""
        return bool(question.text)

    async def answer(self, question: Question, context: Context) -> Answer:
        """Repeat it."""
        del context
        return Answer(f"{question.text}!")


async def answers(control: ControlClient, channel: str = "general") -> list[str]:
    """Return what the bot said in a channel."""
    return [message["content"] for message in await control.messages(author="sandbox-bot", channel=channel)]


async def calls(bot: RunningBot, channel: str | int | None = None) -> list[Call]:
    """Return how each answered message was addressed."""
    return [event.call for event in await bot.judge.of(ReplyRequested, channel)]


async def test_a_role_of_its_own_a_name_and_a_place(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """Each tells how it was addressed, also in `why`, and the responder reads the words without what called it."""
    role = (await control.create_role("sandbox-bot", bot="sandbox-bot"))["id"]
    other = (await control.create_role("helpers", users=["sandbox-bot", "bob"]))["id"]
    home = await control.create_channel("home")
    bot = await launch(
        responder=Parrot(),
        replies={"names": ["Echo"], "answer_all": [home["id"]], "own_role": True},
        channels={"no_answer": [(await control.create_channel("muted"))["id"]]},
    )
    await control.post(f"<@&{role}> one")
    await control.post(f"<@&{other}> no")
    await control.post("Echo, two")
    await control.post("two, echo?")
    await control.post("the echo is loud")
    await control.post("@everyone no")
    await control.post("three", channel=home["id"])
    await control.create_user("robot", bot=True)
    await control.post("four", channel=home["id"], author="robot")
    muted = await control.post("echo, no", channel="muted")

    await bot.judge.expect(MessageReceived, 9)
    await bot.judge.expect(ReplySent, 4)

    assert await calls(bot, sandbox.services.general.id) == [Call.ROLE, Call.NAME, Call.NAME]
    assert await calls(bot, home["id"]) == [Call.CHANNEL]
    assert await answers(control) == ["one!", "two!", "two?!"]
    assert await answers(control, home["id"]) == ["three!"]
    [skipped] = await bot.judge.of(MessageSkipped)
    assert (skipped.message_id, skipped.reason) == (int(muted["id"]), SkipReason.MUTED)
    [_, named, _] = await bot.judge.of(ReplyRequested, sandbox.services.general.id)
    told = await bot.moderation.why(sandbox.services.general.id, named.message_id)
    assert "addressed by: name, to responder parrot" in told.lines


async def test_missed_questions_and_those_who_opted_out(launch: Launch, control: ControlClient) -> None:
    """A catch-up finds them in the same ways; what people wrote who opted out is not even read."""
    role = (await control.create_role("sandbox-bot", bot="sandbox-bot"))["id"]
    bot = await launch(responder=Parrot(), replies={"names": ["Echo"]})
    out = await control.post("hello", author="bob")
    await bot.judge.expect(MessageReceived)
    await bot.bot.context.owned().opted_out.add(bot.bot.log, int(out["author_id"]))
    await bot.stop()
    await control.post(f"<@&{role}> one")
    await control.post("echo: two")
    await control.post("echo: three", author="bob")

    bot = await launch(responder=Parrot(), replies={"names": ["Echo"]})
    await bot.judge.expect(ReplySent, 2)

    assert await calls(bot) == [Call.ROLE, Call.NAME]
    assert [event.reason for event in await bot.judge.of(MessageSkipped)] == [SkipReason.OPTED_OUT]
    withheld = [event.message_id for event in await bot.judge.of(MessageReceived)][-1]
    [recorded] = await bot.judge.reader.find(stream_of(int(out["channel_id"])), KeyKind.RECEIVED, withheld)
    assert not await bot.judge.reader.bodies((recorded.position,))


async def test_a_thread_goes_on_without_a_mention(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """Where somebody spoke to the bot, or where it began with a message to it; also after a restart, and missed."""
    settings = {"threads": True, "answer": ["mention", "reply"]}
    bot = await launch(responder=Parrot(), replies=settings)
    start = await control.post("zero", mention="sandbox-bot")
    await bot.judge.expect(ReplySent)
    begun = await control.create_thread("begun", message=start["id"])
    aside = await control.create_thread("aside")
    await control.post("one", channel=begun["id"])
    await control.post("nobody asked", channel=aside["id"])
    await control.post("two", channel=aside["id"], mention="sandbox-bot")
    await control.post("three", channel=aside["id"])
    await bot.judge.expect(ReplySent, 4)
    await bot.stop()
    await control.post("four", channel=aside["id"])

    bot = await launch(responder=Parrot(), replies=settings)
    await control.post("five", channel=begun["id"])
    await control.post("six", channel=aside["id"])
    await control.post("nobody asked either")
    await bot.judge.expect(ReplySent, 7)
    await bot.judge.expect(MessageReceived, 9)

    assert await answers(control, begun["id"]) == ["one!", "five!"]
    assert await answers(control, aside["id"]) == ["two!", "three!", "four!", "six!"]
    assert await calls(bot, begun["id"]) == [Call.THREAD] * 2
    assert await calls(bot, aside["id"]) == [Call.MENTION, Call.THREAD, Call.THREAD, Call.THREAD]
    assert await calls(bot, sandbox.services.general.id) == [Call.MENTION]


async def test_an_edit_that_adds_a_mention_asks_once(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """In its place among the others, never twice, and also when it is found by an audit after a restart."""
    settings, own = {"edits": True, "answer": ["mention"], "names": ["echo"]}, sandbox.services.application.user.id
    bot = await launch(responder=Parrot(), replies=settings)
    first = await control.post("one")
    asked = await control.post("two", mention="sandbox-bot")
    await control.edit(first["id"], f"<@{own}> one indeed")
    await control.edit(first["id"], f"<@{own}> one at last")
    await control.edit(asked["id"], f"<@{own}> two once more")
    await bot.judge.expect(MessageEdited, 3)
    await bot.judge.expect(ReplySent, 2)
    third = await control.post("three")
    await bot.judge.expect(MessageReceived, 3)
    await bot.stop()
    await control.edit(third["id"], "echo, three indeed")
    await control.edit(first["id"], f"<@{own}> one for ever")

    bot = await launch(responder=Parrot(), replies=settings, audit={"every": "100ms"})
    await control.post("hello")
    await bot.judge.expect(MessageEdited, 5)
    await bot.judge.expect(ReplySent, 3)
    await bot.judge.settled(sandbox.services.general.id)

    assert {said.split()[0].strip("!") for said in await answers(control)} == {"one", "two", "three"}
    assert len(await answers(control)) == 3
    assert [event.message_id for event in await bot.judge.of(ReplyRequested)] == [
        int(asked["id"]), int(first["id"]), int(third["id"]),
    ]  # fmt: skip
    assert await calls(bot) == [Call.MENTION, Call.MENTION, Call.NAME]


@pytest.mark.parametrize("edits", [False, True])
async def test_limits_hold_for_what_an_edit_adds(launch: Launch, control: ControlClient, *, edits: bool) -> None:
    """Without the setting an edit asks nothing."""
    bot = await launch(responder=Parrot(), replies={"edits": edits, "names": ["echo"]}, limits={"per_person": "1/1h"})
    await control.post("echo, one")
    second = await control.post("two")
    await bot.judge.expect(ReplySent)
    await control.edit(second["id"], "echo, two")
    await bot.judge.expect(MessageEdited)

    assert [event.reason for event in await bot.judge.of(MessageSkipped)] == [SkipReason.PERSON_LIMIT] * edits


async def test_two_bots_do_not_talk_for_ever(launch: Launch, control: ControlClient) -> None:
    """A few answers in a row, until a person writes; the reason stands in the log."""
    bot = await launch(
        responder=Parrot(), replies={"answer_bots": True, "names": ["echo"]}, limits={"bots_in_a_row": 2}
    )
    await control.create_user("robot", bot=True)
    for text in ("echo, one", "echo, two", "echo, three"):
        await control.post(text, author="robot")
    await bot.judge.expect(MessageSkipped)
    await control.post("enough")
    await control.post("echo, four", author="robot")
    await bot.judge.expect(ReplySent, 3)

    assert await answers(control) == ["one!", "two!", "four!"]
    assert [event.reason for event in await bot.judge.of(MessageSkipped)] == [SkipReason.BOTS_IN_A_ROW]
