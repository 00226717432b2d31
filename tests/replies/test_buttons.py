"""Answers that end early, say so, and carry buttons, in a real client against a Discord on loopback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bot.core.events import (
    AbandonReason,
    Button,
    ButtonPressed,
    CommandUsed,
    MessageDeleted,
    ReplyAbandoned,
    ReplyCompleted,
    ReplyComposed,
    ReplyDelayed,
    ReplyRetried,
    ReplySent,
    Via,
)
from bot.replies.words import WORDS
from bot.responders.protocol import ModelFailed, Trouble
from bot.sandbox.control.records import MessageRecord
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch, RunningBot
from tests.replies.scripted import Speech, Spoken
from tests.waiting import eventually

BOT = "sandbox-bot"


class Scene:
    """A bot that is asked something, and the answer that a test gives."""

    def __init__(self, launch: Launch, control: ControlClient) -> None:
        self.launch = launch
        self.control = control
        self.responder = Spoken()
        self.responder.wants_history = True
        self.question = ""
        self.bot_id = ""

    async def open(self, **replies: object) -> RunningBot:
        """Start the bot."""
        return await self.launch(responder=self.responder, llm={"edit_every": "10ms"}, replies=replies)

    async def ask(self) -> Speech:
        """Ask, and return the answer in the making."""
        number = len(self.responder.speeches) + 1
        posted = await self.control.post("tell me", mention=BOT)
        self.question, self.bot_id = posted["id"], posted["mentions"][0]
        return await self.responder.asked(number)

    async def half(self, bot: RunningBot) -> Speech:
        """Ask, and have half an answer shown, with the button that stops it."""
        speech = await self.ask()
        speech.say("Once")
        await self.shows("Once")
        speech.say(" upon a time")
        await self.shows("Once upon a time")
        await bot.judge.expect(ReplySent)
        return speech

    async def cut(self, bot: RunningBot, finish: str = "length") -> None:
        """Have an answer given that ends early."""
        (await self.half(bot)).end(", there was", finish=finish)
        await bot.judge.expect(ReplyCompleted)

    async def shows(self, *texts: str) -> None:
        """Wait until the bot's messages show these texts."""

        async def shown() -> bool:
            return [message["content"].strip() for message in await self.messages()] == list(texts)

        await eventually(shown)

    async def messages(self) -> list[MessageRecord]:
        """Return the bot's messages that everybody sees."""
        messages = await self.control.messages(author=BOT)
        return [each for each in messages if not (each["deleted"] or each["ephemeral"])]

    async def buttons(self) -> dict[str, str]:
        """Return the buttons under the bot's last message: custom ids by labels."""
        rows = (await self.messages())[-1]["components"]
        return {item["label"]: item["custom_id"] for row in rows for item in row["components"]}

    async def stands(self, label: str) -> None:
        """Wait for a button under the bot's last message."""

        async def there() -> bool:
            return bool(await self.messages()) and label in await self.buttons()

        await eventually(there)

    async def press(self, label: str, user: str = "alice", **more: object) -> Mapping[str, Any]:
        """Press a button under the bot's last message, and return what became of it."""
        message = (await self.messages())[-1]
        body = {"user": user, "message": message["id"], "custom_id": (await self.buttons())[label], **more}
        pressed = await self.control.call("POST", "/interactions/component", body)
        return await self.control.wait_for_answer(pressed["id"], until="acknowledged")


@pytest.fixture
def scene(launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Return a scene, in which whoever writes on is soon interrupted."""
    monkeypatch.setattr("bot.replies.writing.STOP_GRACE", 0.01)
    return Scene(launch, control)


def said(pressed: Mapping[str, Any]) -> str:
    """Return what a person was told who pressed a button."""
    assert pressed["original"]["ephemeral"]
    text: str = pressed["original"]["content"]
    return text


async def test_an_answer_that_was_cut_says_so(scene: Scene) -> None:
    """In small print below it, with what to press, in the settings' words; the log holds the model's words alone."""
    bot = await scene.open(words={"filter": "Das war zu viel.", "go_on": "Weiter"})
    await scene.cut(bot, "content_filter")

    await scene.shows("Once upon a time, there was\n-# Das war zu viel.")
    assert list(await scene.buttons()) == ["Weiter", "Again"]
    (body,) = await bot.judge.words((await scene.messages())[0]["channel_id"], ReplyComposed)
    assert body.parts == ("Once upon a time, there was",)


async def test_an_answer_is_stopped_where_it_is(scene: Scene) -> None:
    """The button goes with the edit that tells of it; what the model took is counted."""
    bot = await scene.open()
    speech = await scene.half(bot)
    assert list(await scene.buttons()) == ["Stop"]

    pressed = await scene.press("Stop")
    await bot.judge.expect(ReplyCompleted)

    assert pressed["acknowledged"] == 6
    assert speech.over.is_set()
    await scene.shows(f"Once upon a time\n-# {WORDS['stopped']}")
    assert list(await scene.buttons()) == ["Go on", "Again"]
    (composed,) = await bot.judge.of(ReplyComposed)
    assert (composed.finish, composed.estimated, composed.priced) == ("stopped", True, False)
    assert composed.tokens_out > 0
    assert [event.button for event in await bot.judge.of(ButtonPressed)] == [Button.STOP]


async def test_what_was_stopped_stays_stopped(scene: Scene) -> None:
    """Killed between the press and its effect, the next process takes what Discord shows."""
    first = await scene.open()
    await scene.half(first)
    (message,) = await scene.messages()
    first.bot.conversations.on_appended.clear()
    await scene.press("Stop")
    await first.judge.expect(ButtonPressed)
    await first.stop()

    second = await scene.open()
    await second.judge.expect(ReplyCompleted)

    await scene.shows(f"Once upon a time\n-# {WORDS['stopped']}")
    assert [each["id"] for each in await scene.messages()] == [message["id"]]
    assert len(scene.responder.speeches) == 1


async def test_an_answer_that_is_lost_says_so(scene: Scene) -> None:
    """What is shown of it stays, and can be gone on with."""
    bot = await scene.open()
    speech = await scene.half(bot)

    speech.fail(ModelFailed("cut", trouble=Trouble.REFUSED, tokens_in=7, tokens_out=3))
    await bot.judge.expect(ReplyCompleted)

    await scene.shows(f"Once upon a time\n-# {WORDS['lost']}")
    assert list(await scene.buttons()) == ["Go on", "Again"]
    (composed,) = await bot.judge.of(ReplyComposed)
    (failed,) = await bot.judge.of(ReplyDelayed)
    assert (composed.finish, failed.reason, failed.tokens_in, failed.tokens_out) == ("lost", "cut", 7, 3)


async def test_an_answer_goes_on_after_a_restart(scene: Scene) -> None:
    """The model is told where it ended; the same message shows all of it, without the mark."""
    first = await scene.open()
    await scene.cut(first)
    await first.stop()
    second = await scene.open()
    await second.ready()

    pressed = await scene.press("Go on")
    speech = await scene.responder.asked(2)
    speech.end("was a king.", finish="stop")
    await second.judge.expect(ReplyCompleted, 2)

    assert said(pressed) == WORDS["writing_on"]
    assert speech.context.so_far == "Once upon a time, there "
    await scene.shows("Once upon a time, there was a king.")
    assert not await scene.buttons()
    assert len(await scene.control.requests(method="POST", path="/channels/*/messages")) == 1


async def test_it_grows_while_it_goes_on(scene: Scene) -> None:
    """The old text stays until there is more; stopped then, it says so, and what it says is there once."""
    bot = await scene.open()
    await scene.cut(bot)

    await scene.press("Go on")
    speech = await scene.responder.asked(2)
    speech.say("wa")
    await eventually(lambda: speech.said)
    await scene.shows(f"Once upon a time, there was\n-# {WORDS['length']}")
    speech.say("s a king")
    await scene.shows("Once upon a time, there was a king")
    assert list(await scene.buttons()) == ["Stop"]
    await scene.press("Stop")
    await bot.judge.expect(ReplyCompleted, 2)

    await scene.shows(f"Once upon a time, there was a king\n-# {WORDS['stopped']}")
    assert list(await scene.buttons()) == ["Go on", "Again"]


async def test_an_answer_written_anew_is_stopped_where_it_is(scene: Scene) -> None:
    """What is left of the old one below it goes."""
    bot = await scene.open()
    speech = await scene.ask()
    speech.end("It goes on for a while, and then some more of it comes. " * 50, finish="length")
    await bot.judge.expect(ReplySent, 2)
    await scene.stands("Again")

    await scene.press("Again")
    (await scene.responder.asked(2)).say("Another")
    await eventually(lambda: _first(scene, "Another"))
    custom_id = f"reply:stop:{scene.question}.2"
    (shown, _) = await scene.messages()
    body = {"user": "alice", "message": shown["id"], "custom_id": custom_id}
    await scene.control.call("POST", "/interactions/component", body)
    await bot.judge.expect(ReplyCompleted)

    await scene.shows(f"Another\n-# {WORDS['stopped']}")


async def _first(scene: Scene, text: str) -> bool:
    return (await scene.messages())[0]["content"] == text


async def test_an_answer_is_written_anew_once(scene: Scene) -> None:
    """Pressed twice, by whoever asked: the second press is told so. A button of the answer before is none any more."""
    bot = await scene.open()
    await scene.cut(bot)
    (message,) = await scene.messages()
    old = (await scene.buttons())["Again"]

    first, second = await scene.press("Again"), await scene.press("Again")
    (await scene.responder.asked(2)).end("Another.", finish="length")
    await bot.judge.expect(ReplyCompleted, 2)

    assert [said(first), said(second)] == [WORDS["writing_anew"], WORDS["busy"]]
    await scene.shows(f"Another.\n-# {WORDS['length']}")
    assert [event.generation for event in await bot.judge.of(ReplyRetried)] == [2]
    assert len(await bot.judge.of(ButtonPressed)) == 1
    assert [event.outcome for event in await bot.judge.of(CommandUsed)] == ["refused"]
    assert (await scene.buttons())["Again"] != old
    assert (await scene.messages())[0]["id"] == message["id"]


async def test_others_may_not_press(scene: Scene) -> None:
    """But for moderators, to whom the button also says why."""
    bot = await scene.open(buttons="all")
    await scene.cut(bot)

    assert said(await scene.press("Again", "bob")) == WORDS["not_yours"]
    assert "may not use this command" in await told(scene, "Why?", "bob")
    assert "outcome: answered" in await told(scene, "Why?", "owner")
    assert said(await scene.press("Again", "owner")) == WORDS["writing_anew"]
    (await scene.responder.asked(2)).end("Another.", finish="stop")
    await bot.judge.expect(ReplyCompleted, 2)
    await scene.shows("Another.")
    assert list(await scene.buttons()) == ["Again", "Why?"]


async def test_a_slow_log_holds_up_no_acknowledgement(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence follows once the press is recorded."""
    monkeypatch.setattr("bot.gateway.commands.reply_buttons.TAKEN_WITHIN", 0.0)
    bot = await scene.open()
    await scene.cut(bot)

    pressed = await scene.press("Again")
    answer = await scene.control.wait_for_answer(str(pressed["id"]))

    assert pressed["acknowledged"] == 5
    assert said(answer) == WORDS["writing_anew"]
    (await scene.responder.asked(2)).end("Another.", finish="stop")
    await bot.judge.expect(ReplyCompleted, 2)


async def test_a_question_that_is_deleted_takes_its_answer_along(scene: Scene) -> None:
    """What stands of it goes, and nothing more is written."""
    bot = await scene.open()
    speech = await scene.half(bot)

    await scene.control.delete(scene.question)
    await bot.judge.expect(ReplyAbandoned)

    assert speech.over.is_set()
    await scene.shows()
    assert not await bot.judge.of(ReplyComposed)
    await bot.judge.expect(MessageDeleted, 2)


@pytest.mark.parametrize("shown", [True, False], ids=["shown", "asked for"])
async def test_it_does_so_where_nobody_told_of_it(scene: Scene, *, shown: bool) -> None:
    """Deleted while the bot was down, and found where it looks what it had sent: once, and it asks no model."""
    first = await scene.open()
    await (scene.half(first) if shown else scene.ask())
    await first.stop()
    await scene.control.delete(scene.question)

    second = await scene.open()
    (given_up,) = await second.judge.expect(ReplyAbandoned)

    assert given_up.reason is AbandonReason.TRIGGER_DELETED
    await scene.shows()
    deleted = [each.message_id for each in await second.judge.of(MessageDeleted) if each.via is Via.AUDIT]
    assert deleted == [int(scene.question)]
    assert len(scene.responder.speeches) == 1


async def test_it_does_so_after_a_restart(scene: Scene) -> None:
    """Killed between the deletion and its effect."""
    first = await scene.open()
    await scene.half(first)
    first.bot.conversations.on_appended.clear()
    await scene.control.delete(scene.question)
    await first.judge.expect(MessageDeleted)
    await first.stop()

    second = await scene.open()
    await second.judge.expect(ReplyAbandoned)

    await scene.shows()
    assert len(scene.responder.speeches) == 1


async def test_a_question_that_is_edited_is_answered_as_it_reads_now(scene: Scene) -> None:
    """In the same message."""
    bot = await scene.open()
    speech = await scene.half(bot)

    await scene.control.edit(scene.question, f"<@{scene.bot_id}> tell me more")
    anew = await scene.responder.asked(2)
    assert speech.over.is_set()
    anew.end("Twice.")
    await bot.judge.expect(ReplyCompleted)

    assert anew.question.text == "tell me more"
    await scene.shows("Twice.")
    assert len(await bot.judge.of(ReplySent)) == 1


async def told(scene: Scene, label: str, user: str) -> str:
    """Press a button and return the answer that follows."""
    pressed = await scene.press(label, user)
    return said(await scene.control.wait_for_answer(str(pressed["id"])))


async def test_an_answer_that_names_its_tools_goes_on(scene: Scene) -> None:
    """Its names stand once, under all of it, and the model is not told them."""
    tools = {"tools": {"allow": {"recall": "*"}}}
    bot = await scene.launch(responder=scene.responder, llm=tools)
    first = await scene.ask()
    assert first.context.tools is not None
    await first.context.tools.call("recall", '{"words": "moon"}')
    first.end("Once upon a time, there was", finish="length")
    await scene.shows(f"Once upon a time, there was\n-# 🔧 `recall`\n-# {WORDS['length']}")
    await bot.judge.expect(ReplySent)

    await scene.press("Go on")
    on = await scene.responder.asked(2)
    on.end("was a king.", finish="stop")
    await bot.judge.expect(ReplyCompleted)

    assert on.context.so_far == "Once upon a time, there "
    await scene.shows("Once upon a time, there was a king.\n-# 🔧 `recall`")
