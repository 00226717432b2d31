"""A live question overtakes what a slow catch-up has yet to bring; its answer does not, unless it is sent already."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pytest

from bot.core.events import MessageReceived, ReplyBegun, ReplyDelayed, ReplyRequested, ReplySent, Via
from bot.core.outbox import Pending
from bot.gateway import catchup, ratelimits
from bot.replies.sending import Sending
from bot.responders import Answer, Context, Question
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Gated, Launch, RunningBot
from tests.replies.scripted import Spoken
from tests.replies.test_parts import Lecturer
from tests.suite.clock import Clock
from tests.waiting import eventually

BOT = "sandbox-bot"
HISTORY: dict[str, Any] = {"method": "GET", "path": "/channels/*/messages"}
POSTS: dict[str, Any] = {"method": "POST", "path": "/channels/*/messages"}


class Scene:
    """A bot that missed questions, and whose catch-up can't read them before :meth:`catch_up`."""

    def __init__(self, launch: Launch, control: ControlClient, channel: int) -> None:
        self.launch = launch
        self.control = control
        self.channel = channel
        self.questions: dict[str, int] = {}

    async def ask(self, *texts: str) -> None:
        """Post questions."""
        for text in texts:
            self.questions[text] = int((await self.control.post(text, mention=BOT))["id"])

    async def open(self, *missed: str, **more: Any) -> RunningBot:  # noqa: ANN401 - what launch takes
        """Start the bot with its catch-up held up."""
        await self.ask(*missed)
        await self.control.add_fault("status", **HISTORY, status=503, count=None)
        bot = await self.launch(llm={"edit_every": "10ms"}, ready=False, **more)
        await eventually(lambda: bot.connected)
        return bot

    async def catch_up(self, bot: RunningBot) -> None:
        """Let the history be read, and wait until all questions are on record."""
        for fault in await self.control.faults():
            if fault["method"] == "GET":
                await self.control.call("DELETE", f"/faults/{fault['id']}")
        requested = await bot.judge.expect(ReplyRequested, len(self.questions))
        assert sorted(event.message_id for event in requested) == sorted(self.questions.values())
        assert [event.message_id for event in requested] != sorted(self.questions.values())

    async def whole(self, bot: RunningBot) -> bool:
        """Tell whether the parts of each answer stand together."""
        references = await self.answered(bot)
        return len(list(groupby(references))) == len(self.questions)

    async def answered(self, bot: RunningBot) -> list[str]:
        """Wait until all is answered, and return the questions in the order of the messages that answer them."""
        await bot.judge.expect(ReplySent, len(self.questions), self.channel)
        await bot.judge.settled(self.channel)
        texts = {message_id: text for text, message_id in self.questions.items()}
        said = await self.control.messages(author=BOT, channel=self.channel)
        return [texts[int(message["reference"] or 0)] for message in said]


@pytest.fixture(autouse=True)
def short_catchup_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a history that could not be read again soon."""
    monkeypatch.setattr(catchup, "LONGEST_PAUSE", 0.1)


@pytest.fixture
def scene(launch: Launch, control: ControlClient, sandbox: Sandbox) -> Scene:
    """Return a channel with nothing in it."""
    return Scene(launch, control, sandbox.services.general.id)


async def test_what_waits_goes_out_by_message_id(scene: Scene) -> None:
    """A newer question is being answered, others wait behind it, and then the older ones are found."""
    responder = Gated()
    bot = await scene.open("ask old", "ask older than new", responder=responder)
    await scene.ask("ask new", "ask newer", "ask newest")
    await bot.judge.expect(ReplyRequested, 3)
    await scene.catch_up(bot)
    responder.open.set()

    assert await scene.answered(bot) == list(scene.questions)


async def test_what_is_written_and_could_not_be_sent_waits_too(
    scene: Scene, control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was composed along with its recording, and Discord takes nothing at the moment."""
    monkeypatch.setattr(ratelimits, "MOST_SECONDS", 0.0)
    bot = await scene.open("ask old")
    await control.add_fault("ratelimit", **POSTS, count=None, retry_after=0.1, via=False)
    await scene.ask("ask new")
    await bot.judge.expect(ReplyDelayed)
    await scene.catch_up(bot)
    await control.clear_faults()

    assert await scene.answered(bot) == ["ask old", "ask new"]


async def test_what_waits_for_a_window_lets_what_is_older_go_first(
    scene: Scene, control: ControlClient, clock: Clock
) -> None:
    """Its request did not leave yet, however long it has been at it."""
    bot = await scene.open("ask old")
    await control.add_fault("ratelimit", **POSTS, retry_after=20)
    await scene.ask("ask new")
    await eventually(lambda: control.requests(**POSTS, status=429))
    await scene.catch_up(bot)
    clock.go_on(20)

    assert await scene.answered(bot) == ["ask old", "ask new"]
    assert await bot.judge.of(ReplyDelayed) == []
    assert len(await control.requests(**POSTS)) == 3


async def test_what_is_read_from_the_log_lets_what_is_older_go_first(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older question is recorded while the text of the newer answer is on its way from the disk."""
    asked, there, texts = asyncio.Event(), asyncio.Event(), Sending.texts

    async def slow(sending: Sending, entry: Pending) -> tuple[str, ...]:
        asked.set()
        await there.wait()
        return await texts(sending, entry)

    monkeypatch.setattr(Sending, "texts", slow)
    bot = await scene.open("ask old")
    await scene.ask("ask new")
    await eventually(asked.is_set)
    await scene.catch_up(bot)
    there.set()

    assert await scene.answered(bot) == ["ask old", "ask new"]


async def test_what_is_sent_in_part_goes_on_to_its_end(scene: Scene, control: ControlClient) -> None:
    """The older question is recorded when one part of the newer answer is in Discord."""
    bot = await scene.open("old", responder=Lecturer())
    await control.add_fault("ratelimit", **POSTS, nth=2, count=None, retry_after=0.1, via=False)
    await scene.ask("new")
    await bot.judge.expect(ReplySent)
    await bot.judge.expect(ReplyDelayed)
    await scene.catch_up(bot)
    await control.clear_faults()

    assert list(dict.fromkeys(await scene.answered(bot))) == ["new", "old"]
    assert await scene.whole(bot)


class GatedLecturer(Gated):
    """A responder whose answers are long, once it may."""

    async def answer(self, question: Question, context: Context) -> Answer:
        """Lecture."""
        await super().answer(question, context)
        return await Lecturer().answer(question, context)


@pytest.mark.parametrize(("when", "order"), [("before", ["ask old", "ask new"]), ("after", ["ask new", "ask old"])])
async def test_what_may_be_sent_has_its_place_once_that_is_known(
    scene: Scene, control: ControlClient, when: str, order: Sequence[str]
) -> None:
    """Discord fails at the newer answer's first part, and nobody hears whether it took that."""
    responder = GatedLecturer()
    bot = await scene.open("ask old", responder=responder)
    await scene.ask("ask new")
    await eventually(lambda: responder.asked)
    await control.gateway("mute")
    # Nothing gets through before the older question is on record, however long that takes.
    await control.add_fault("reset", **POSTS, when=when, count=None if when == "before" else 1)
    responder.open.set()
    await bot.judge.expect(ReplyDelayed)
    await scene.catch_up(bot)
    for fault in await control.faults():
        await control.call("DELETE", f"/faults/{fault['id']}")

    assert list(dict.fromkeys(await scene.answered(bot))) == order
    assert await scene.whole(bot)


async def test_a_newer_answer_that_begins_to_be_shown_goes_on_to_its_end(scene: Scene) -> None:
    """People read it already."""
    responder = Spoken()
    bot = await scene.open("old", responder=responder)
    await scene.ask("new")
    speech = await responder.asked()
    speech.say("Well")
    await bot.judge.expect(ReplySent)
    await scene.catch_up(bot)
    speech.end(", that is it.")
    (await responder.asked(2)).end("And this too.")

    assert await scene.answered(bot) == ["new", "old"]


async def test_a_newer_answer_is_not_shown_while_an_older_question_waits(scene: Scene, control: ControlClient) -> None:
    """It has not begun to be shown when the older one is recorded: it is written, and goes out in its turn."""
    responder = Spoken()
    bot = await scene.open("old", responder=responder)
    await scene.ask("new")
    speech = await responder.asked()
    await scene.catch_up(bot)
    speech.say("Well")
    # What begins to be shown after it, elsewhere, is there.
    await control.post("hello", channel=(await control.create_channel("elsewhere"))["id"], mention=BOT)
    elsewhere = await responder.asked(2)
    elsewhere.say("Hello")
    await bot.judge.expect(ReplySent)
    elsewhere.end()
    speech.end(", that is it.")
    (await responder.asked(3)).end("This first.")

    assert await scene.answered(bot) == ["old", "new"]
    assert scene.questions["new"] not in [event.message_id for event in await bot.judge.of(ReplyBegun)]


async def test_live_questions_during_a_slow_catch_up_are_answered_at_once(scene: Scene, control: ControlClient) -> None:
    """Nobody waits for what is not recorded yet, and nobody is answered twice."""
    await control.post_many([{"content": "chatter"} for _ in range(110)])
    await scene.ask("ask old")
    await control.add_fault("delay", **HISTORY, nth=2, seconds=0.5)
    bot = await scene.launch(ready=False)
    await bot.judge.expect(MessageReceived, 100)
    await scene.ask("ask new")

    assert await scene.answered(bot) == ["ask new", "ask old"]
    assert [event.via for event in await bot.judge.of(ReplyRequested)] == [Via.AHEAD, Via.CATCHUP]
