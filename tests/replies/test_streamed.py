"""Answers that are shown while they are written, in a real client against a Discord on loopback."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import aiohttp
import pytest

from bot.core.addressing import nonce_of
from bot.core.commands import Abandon, Retry
from bot.core.events import (
    AbandonReason,
    ForeignReplySeen,
    MessageDeleted,
    MessageEdited,
    Proof,
    ReplyAbandoned,
    ReplyBegun,
    ReplyCompleted,
    ReplyComposed,
    ReplyDelayed,
    ReplyRetried,
    ReplySent,
)
from bot.core.parts import growing
from bot.gateway import history, looks
from bot.moderation.command import ModerationError
from bot.responders.protocol import ModelFailed, Trouble
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Launch, RunningBot
from tests.replies.scripted import Speech, Spoken
from tests.waiting import PATIENCE, eventually

BOT = "sandbox-bot"
QUICK = {"edit_every": "10ms"}
EDITS = {"method": "PATCH", "path": "/channels/*/messages/*"}
POSTS = {"method": "POST", "path": "/channels/*/messages"}
PARAGRAPH = "It goes on for a while, and then some more of it comes. " * 30


class Scene:
    """A bot that is asked something, and the answer a test gives."""

    def __init__(self, launch: Launch, control: ControlClient) -> None:
        self.launch = launch
        self.control = control
        self.responder = Spoken()
        self.question = ""

    async def open(self, **sections: object) -> RunningBot:
        """Start the bot."""
        return await self.launch(responder=self.responder, **({"llm": QUICK} | sections))

    async def ask(self) -> Speech:
        """Ask, and return the answer in the making."""
        number = len(self.responder.speeches) + 1
        self.question = (await self.control.post("tell me", mention=BOT))["id"]
        return await self.responder.asked(number)

    async def answer(self, bot: RunningBot, text: str) -> None:
        """Ask, and have the answer given."""
        (await self.ask()).end(text)
        await bot.judge.settled(await channel(self.control))

    async def again(self, bot: RunningBot) -> Speech:
        """Have the answer composed anew, and return it in the making."""
        number = len(self.responder.speeches) + 1
        await bot.moderation.again(int(await channel(self.control)), int(self.question), by="owner")
        return await self.responder.asked(number)

    async def fail(self, bot: RunningBot, speech: Speech) -> None:
        """Have the model break off for good."""
        speech.fail(ModelFailed("401", trouble=Trouble.REFUSED))
        await bot.judge.expect(ReplyAbandoned)

    async def retry(self, bot: RunningBot) -> Speech:
        """Ask for a reply that was given up once more, and return it in the making."""
        number = len(self.responder.speeches) + 1
        await bot.moderation.retry(int(await channel(self.control)), int(self.question), by="owner")
        return await self.responder.asked(number)

    async def shows(self, *texts: str) -> None:
        """Wait until the bot's messages show these texts."""

        async def shown() -> bool:
            messages = await self.control.messages(author=BOT)
            return [each["content"].strip() for each in messages if not each["deleted"]] == list(texts)

        await eventually(shown)


async def test_the_answer_grows_in_its_message(launch: Launch, control: ControlClient) -> None:
    """The first piece is a message at once, the others edits; no event tells of an edit."""
    scene = Scene(launch, control)
    bot = await scene.open()

    speech = await scene.ask()
    speech.say("Once")
    await scene.shows("Once")
    assert not await bot.judge.of(ReplyComposed)
    speech.say(" upon")
    await scene.shows("Once upon")
    speech.end(" a time.")
    await scene.shows("Once upon a time.")

    await bot.judge.settled(await channel(control))
    types = [recorded.event.TYPE for recorded in await bot.judge.all(f"channel:{await channel(control)}")]
    expected = ["message.received", "reply.requested", "reply.begun", "reply.sent", "reply.composed", "reply.completed"]
    assert [kind for kind in types if not kind.startswith("catchup")] == expected
    (message,) = await control.messages(author=BOT)
    assert message["reference"] == scene.question
    state = await bot.judge.state(await channel(control))
    assert [turn.message_id for turn in state.window][-1] == int(message["id"])


async def test_what_turns_out_to_be_no_answer_is_replaced(launch: Launch, control: ControlClient) -> None:
    """The first message is edited at once, further ones go when the answer is complete."""
    scene = Scene(launch, control)
    bot = await scene.open()
    thought = "Let me think. " * 200

    speech = await scene.ask()
    speech.say(thought)
    await scene.shows(*(part.strip() for part in growing(thought)))
    speech.begin_anew()
    speech.say("It is")
    await scene.shows("It is", growing(thought)[1])
    speech.end(" four.")
    await bot.judge.settled(await channel(control))

    await scene.shows("It is four.")
    assert [composed.parts for composed in await bot.judge.of(ReplyComposed)] == [1]


async def test_what_needs_no_edit_gets_none(launch: Launch, control: ControlClient) -> None:
    """An answer that is shown as a whole when it ends is left alone."""
    scene = Scene(launch, control)
    bot = await scene.open()

    speech = await scene.ask()
    speech.say("All of it.")
    await scene.shows("All of it.")
    speech.end()
    await bot.judge.expect(ReplyCompleted)

    assert await control.requests(**EDITS) == []


async def test_an_answer_that_came_at_once_is_sent_as_ever(launch: Launch, control: ControlClient) -> None:
    """Nothing had begun, so nothing has to be completed."""
    scene = Scene(launch, control)
    bot = await scene.open()
    await control.post("tell me", mention=BOT)
    speech = await scene.responder.asked()
    speech.end("   ")
    assert [event.reason for event in await bot.judge.expect(ReplyAbandoned)] == [AbandonReason.NO_ANSWER]

    assert not await bot.judge.of(ReplyBegun)


async def test_a_long_answer_goes_on_in_further_messages(launch: Launch, control: ControlClient) -> None:
    """Each is a part, and each shows in the end what was composed."""
    scene = Scene(launch, control)
    bot = await scene.open()

    speech = await scene.ask()
    for number in range(4):
        speech.say(f"{number}: {PARAGRAPH}\n\n")
        await control.wait_for_messages(number + 1, author=BOT)
    speech.end("The end.")
    await bot.judge.expect(ReplyCompleted)

    (body,) = await bot.judge.words(await channel(control), ReplyComposed)
    await scene.shows(*(part.strip() for part in body.parts))
    assert [event.part for event in await bot.judge.of(ReplySent)] == list(range(len(body.parts)))


async def test_stopped_in_the_middle_it_completes_the_same_message(launch: Launch, control: ControlClient) -> None:
    """The next process asks again, since nothing was composed, and edits what is there."""
    scene = Scene(launch, control)
    first = await scene.open()
    speech = await scene.ask()
    speech.say("Once upon")
    await scene.shows("Once upon")
    await first.judge.expect(ReplySent)
    await first.stop()

    second = await scene.open()
    speech = await scene.responder.asked(2)
    speech.end("Twice upon a time.")
    await second.judge.expect(ReplyCompleted)

    await scene.shows("Twice upon a time.")
    assert len(await control.requests(**POSTS)) == 1
    assert len(await second.judge.of(ReplyComposed)) == 1


async def test_once_it_stops_it_shows_nothing_more(launch: Launch, control: ControlClient) -> None:
    """However much the model still says, and however slow Discord is: the edit under way is the last."""
    scene = Scene(launch, control)
    bot = await scene.open()
    speech = await scene.ask()
    speech.say("Once")
    await scene.shows("Once")
    await control.add_fault("delay", seconds=0.4, when="before", count=100, **EDITS)
    speech.say(" upon")
    await eventually(lambda: control.requests(**EDITS))
    stopping = asyncio.create_task(bot.stop())
    while not stopping.done():
        speech.say(" a time")
        await asyncio.sleep(0.05)
    await stopping

    assert len(await control.requests(**EDITS)) == 1


async def test_a_shorter_answer_leaves_nothing_of_the_longer_one(launch: Launch, control: ControlClient) -> None:
    """What the second attempt does not need is deleted."""
    scene = Scene(launch, control)
    first = await scene.open()
    speech = await scene.ask()
    speech.say(f"{PARAGRAPH}\n\n{PARAGRAPH}")
    await first.judge.expect(ReplySent, 2)
    await first.stop()

    second = await scene.open()
    speech = await scene.responder.asked(2)
    speech.end("Short.")
    await second.judge.expect(ReplyCompleted)

    await scene.shows("Short.")
    state = await second.judge.state(await channel(control))
    assert len(state.window) == 2  # the question and the answer


async def test_what_was_composed_is_not_asked_for_again(launch: Launch, control: ControlClient) -> None:
    """Stopped before the last edit, the next process makes that edit from the log."""
    scene = Scene(launch, control)
    first = await scene.open(llm={"edit_every": "1h"})
    speech = await scene.ask()
    speech.say("Once upon")
    await scene.shows("Once upon")
    await first.judge.expect(ReplySent)
    speech.end(" a time.")
    await first.judge.expect(ReplyComposed)
    await first.stop()

    second = await scene.open()
    await second.judge.expect(ReplyCompleted)

    await scene.shows("Once upon a time.")
    assert len(scene.responder.speeches) == 1


async def test_a_model_that_breaks_off_is_asked_again(launch: Launch, control: ControlClient) -> None:
    """The same message shows the second attempt; what the first one took is on record."""
    scene = Scene(launch, control)
    bot = await scene.open()
    speech = await scene.ask()
    speech.say("Once upon")
    await scene.shows("Once upon")
    speech.fail(ModelFailed("cut", retry_after=0.01, tokens_in=7, tokens_out=3, cost_micros=9))
    speech = await scene.responder.asked(2)
    speech.end("Whole.")
    await bot.judge.expect(ReplyCompleted)

    await scene.shows("Whole.")
    (delayed,) = await bot.judge.of(ReplyDelayed)
    assert (delayed.reason, delayed.tokens_in, delayed.tokens_out, delayed.cost_micros) == ("cut", 7, 3, 9)
    assert len(await control.requests(**POSTS)) == 1


async def test_trouble_with_discord_makes_no_model_worse(launch: Launch, control: ControlClient) -> None:
    """The history could not be read at the start, twice: the first time that a model breaks off is still the first."""
    scene = Scene(launch, control)
    first = await scene.open()
    speech = await scene.ask()
    speech.say("Once upon")
    await first.judge.expect(ReplySent)
    await first.stop()
    await control.add_fault("status", status=503, count=2, method="GET", path="/channels/*/messages")

    second = await scene.open(catchup={"enabled": False})
    (await scene.responder.asked(2)).fail(ModelFailed("cut", retry_after=0.01))
    (await scene.responder.asked(3)).end("Whole.")
    await second.judge.expect(ReplyCompleted)

    await scene.shows("Whole.")
    assert [event.attempt for event in await second.judge.of(ReplyDelayed)] == [1, 2, 3]


async def test_a_model_that_can_not_answer_is_not_asked_again(launch: Launch, control: ControlClient) -> None:
    """What it took is counted for whoever asked."""
    scene = Scene(launch, control)
    bot = await scene.open()
    speech = await scene.ask()
    speech.fail(ModelFailed("401", trouble=Trouble.REFUSED, tokens_in=7))

    (abandoned,) = await bot.judge.expect(ReplyAbandoned)
    assert (abandoned.reason, abandoned.detail, abandoned.tokens_in) == (AbandonReason.POISON, "401", 7)
    assert abandoned.author_id
    assert len(scene.responder.speeches) == 1


async def test_an_answer_that_can_not_be_recorded_is_kept(launch: Launch, control: ControlClient) -> None:
    """It is paid for: nobody is asked again."""
    scene = Scene(launch, control)
    bot = await scene.open()
    speech = await scene.ask()
    speech.say("Once upon")
    await bot.judge.expect(ReplySent)
    await bot.make_log_unwritable()
    speech.end(" a time.")
    await eventually(lambda: bot.bot.health().reasons)
    await bot.make_log_unwritable(unwritable=False)
    await bot.judge.expect(ReplyCompleted)

    await scene.shows("Once upon a time.")
    assert len(scene.responder.speeches) == 1


async def test_a_first_message_of_unknown_fate(launch: Launch, control: ControlClient) -> None:
    """Discord took it and answered 500: it is found, by its echo or by a look, and completed by editing."""
    scene = Scene(launch, control)
    bot = await scene.open()
    await control.add_fault("status", status=500, when="after", count=1, **POSTS)
    speech = await scene.ask()
    speech.say("Once upon")
    await control.wait_for_messages(1, author=BOT)
    speech.end(" a time.")
    await bot.judge.expect(ReplyCompleted)

    await scene.shows("Once upon a time.")
    assert len(await control.requests(**POSTS)) == 1


async def test_edits_that_fail_cost_nothing(launch: Launch, control: ControlClient) -> None:
    """The last one is repeated until it has worked."""
    scene = Scene(launch, control)
    bot = await scene.open()
    speech = await scene.ask()
    speech.say("Once")
    await scene.shows("Once")
    await control.add_fault("reset", when="before", count=2, **EDITS)
    speech.say(" upon")
    await scene.shows("Once upon")
    speech.end(" a time.")
    await bot.judge.expect(ReplyCompleted)

    await scene.shows("Once upon a time.")
    assert len(scene.responder.speeches) == 1


async def test_who_waits_long_for_an_edit_can_see_why(launch: Launch, control: ControlClient) -> None:
    """Discord takes none for an hour: that is on record, and the list of unfinished replies says so."""
    scene = Scene(launch, control)
    bot = await scene.open()
    speech = await scene.ask()
    speech.say("Once")
    await scene.shows("Once")
    await control.add_fault("ratelimit", retry_after=3600, **EDITS)
    speech.say(" upon")
    await eventually(lambda: control.requests(**EDITS))
    speech.end(" a time.")

    (delayed,) = await bot.judge.expect(ReplyDelayed)
    assert delayed.reason == "rate limit"
    (unfinished,) = (await bot.moderation.pending()).data["unfinished"]
    assert unfinished["reason"] == "1 of 1 part sent, 1 failed attempt"


async def test_a_message_that_is_deleted_meanwhile_stays_deleted(launch: Launch, control: ControlClient) -> None:
    """A moderator had a reason: the reply ends there."""
    scene = Scene(launch, control)
    bot = await scene.open()
    speech = await scene.ask()
    speech.say("Once")
    (message,) = await control.wait_for_messages(1, author=BOT)
    await bot.judge.expect(ReplySent)
    await control.delete(message["id"])
    await bot.judge.expect(MessageDeleted)
    speech.end(" upon a time.")

    (event,) = await bot.judge.expect(ReplyAbandoned)
    # Discord says so, or the log: the deletion takes the answer's words along.
    assert event.reason in {AbandonReason.GONE_AFTER_SEND, AbandonReason.ERASED}
    await scene.shows()


async def test_a_part_that_turns_up_when_nobody_needs_it_is_deleted(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """It was on its way when a process died, and arrives after the next one has completed a shorter answer."""
    scene = Scene(launch, control)
    bot = await scene.open()
    speech = await scene.ask()
    speech.say("Sho")
    await scene.shows("Sho")
    speech.end("rt.")
    await bot.judge.expect(ReplyCompleted)
    await arrives(control, sandbox, nonce_of(int(scene.question), 1), "from before")
    await bot.judge.expect(ReplyCompleted, 2)

    await scene.shows("Short.")
    assert not await bot.judge.of(ForeignReplySeen)


async def test_one_that_is_given_up_before_it_begins_does_not_begin(launch: Launch, control: ControlClient) -> None:
    """Nothing is sent that no event announced."""
    scene = Scene(launch, control)
    bot = await scene.open()
    speech = await scene.ask()
    place, question = int(await channel(control)), int(scene.question)
    given_up = bot.bot.conversations.submit(place, Abandon(question, AbandonReason.CANCELLED))
    speech.say("Too late")
    await given_up
    speech.end()
    (await scene.ask()).end("In time.")
    await scene.shows("In time.")

    assert not await bot.judge.of(ReplyBegun)


async def test_a_reply_that_is_dropped_ends_the_model_s_work(launch: Launch, control: ControlClient) -> None:
    """Every further word would cost, and nobody would read it."""
    scene = Scene(launch, control)
    bot = await scene.open()
    speech = await scene.ask()
    speech.say("Once")
    await scene.shows("Once")
    await bot.moderation.drop(int(await channel(control)), int(scene.question), by="owner")
    speech.say(" upon")
    await speech.over.wait()
    (await scene.ask()).end("Another.")
    await scene.shows("Once", "Another.")

    assert [event.reason for event in await bot.judge.of(ReplyAbandoned)] == [AbandonReason.CANCELLED]


async def test_somebody_sees_that_it_is_typing(launch: Launch, control: ControlClient) -> None:
    """Until there is something of the answer to see."""
    scene = Scene(launch, control)
    bot = await scene.open()
    speech = await scene.ask()
    await control.wait_for_requests(1, method="POST", path="/channels/*/typing")
    speech.end("Here.")
    await bot.judge.expect(ReplySent)

    await scene.shows("Here.")


async def test_what_arrived_of_a_reply_given_up_is_known_as_its_own(launch: Launch, control: ControlClient) -> None:
    """Given up while it was written, what is found in the history is no other process's."""
    scene = Scene(launch, control)
    first = await scene.open()
    await control.add_fault("status", status=500, when="after", count=1, **POSTS)
    speech = await scene.ask()
    await control.gateway("mute")
    speech.say("Once")
    await control.wait_for_messages(1, author=BOT)
    speech.fail(ModelFailed("gone", trouble=Trouble.REFUSED))
    await first.judge.expect(ReplyAbandoned)
    await first.stop()
    await control.gateway("unmute")

    second = await scene.open()
    (sent,) = await second.judge.expect(ReplySent)

    assert sent.proof is Proof.HISTORY
    assert not await second.judge.of(ForeignReplySeen)


async def arrives(control: ControlClient, sandbox: Sandbox, nonce: str, text: str) -> None:
    """Let a part arrive that another process has sent."""
    late = {
        "content": text,
        "nonce": nonce,
        "enforce_nonce": True,
        "message_reference": {"message_id": nonce.split(".", maxsplit=1)[0]},
    }
    url = f"{sandbox.services.addresses.api}/channels/{await channel(control)}/messages"
    headers = {"Authorization": f"Bot {sandbox.services.application.token}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.post(url, json=late) as response:
        assert response.status == HTTPStatus.OK


async def channel(control: ControlClient) -> str:
    """Return the channel in which everything happens."""
    return str((await control.messages())[0]["channel_id"])


class TestAnew:
    """A moderator has an answer composed anew: ``/replay again``."""

    async def test_the_same_message_shows_another_answer(self, launch: Launch, control: ControlClient) -> None:
        """Both are on record; the message, its reference and its place stay."""
        scene = Scene(launch, control)
        bot = await scene.open()
        (await scene.ask()).end("The first.")
        await scene.shows("The first.")
        await bot.judge.settled(await channel(control))
        speech = await scene.again(bot)
        speech.say("The sec")
        speech.end("ond.")
        await bot.judge.expect(ReplyCompleted)

        await scene.shows("The second.")
        assert [len(await control.requests(**each)) for each in (POSTS, EDITS)] == [1, 1]
        assert [event.generation for event in await bot.judge.of(ReplyComposed)] == [1, 2]
        report = await bot.moderation.why(int(await channel(control)), int(scene.question))
        assert report.title.endswith("answered in 1 part, composed anew 1 time")

    async def test_dropped_it_ends_the_model_s_work(self, launch: Launch, control: ControlClient) -> None:
        """Though nothing of it is shown."""
        scene = Scene(launch, control)
        bot = await scene.open()
        await scene.answer(bot, "The first.")
        speech = await scene.again(bot)
        await bot.moderation.drop(int(await channel(control)), int(scene.question), by="owner")
        speech.say("The sec")
        async with asyncio.timeout(PATIENCE):
            await speech.over.wait()

        await scene.shows("The first.")

    async def test_however_much_was_said_since(
        self, launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody has to read it, after a restart as before: all of the answer's messages are known."""
        monkeypatch.setattr(history, "PAGE", 2)
        monkeypatch.setattr(looks, "PAGES", 1)
        scene = Scene(launch, control)
        bot = await scene.open()
        await scene.answer(bot, "The first.")
        for number in range(3):
            await control.post(f"something else {number}")
        await scene.again(bot)
        await bot.stop()
        bot = await scene.open()
        (await scene.responder.asked(3)).end("The second.")
        await bot.judge.expect(ReplyCompleted)

        await scene.shows("The second.")

    async def test_parts_come_and_go_and_come(self, launch: Launch, control: ControlClient) -> None:
        """Two, then one, then two: the nonce of the part that was deleted is used up."""
        scene = Scene(launch, control)
        bot = await scene.open()
        long = f"{PARAGRAPH}\n\n{PARAGRAPH}"
        await scene.answer(bot, long)
        for number, text in ((2, "Short."), (3, long)):
            await bot.judge.settled(await channel(control))
            (await scene.again(bot)).end(text)
            await bot.judge.expect(ReplyCompleted, number - 1)

        await scene.shows(PARAGRAPH.strip(), PARAGRAPH.strip())
        assert [(event.part, event.generation) for event in await bot.judge.of(ReplySent)] == [(0, 1), (1, 1), (1, 3)]
        assert not await bot.judge.of(ReplyAbandoned)

    async def test_it_reads_the_question_as_it_is_now(self, launch: Launch, control: ControlClient) -> None:
        """An edit changes what a later composition reads."""
        scene = Scene(launch, control)
        bot = await scene.open()
        await scene.answer(bot, "The first.")
        await control.edit(scene.question, "tell me another")
        await bot.judge.expect(MessageEdited)
        speech = await scene.again(bot)
        speech.end("The second.")
        await bot.judge.expect(ReplyCompleted)

        assert speech.question.text == "tell me another"

    async def test_what_has_no_answer_is_not_composed_anew(self, launch: Launch, control: ControlClient) -> None:
        """While it is being written, or where it failed: that is what retry is for."""
        scene = Scene(launch, control)
        bot = await scene.open()
        speech = await scene.ask()
        with pytest.raises(ModerationError, match="still being tried"):
            await scene.again(bot)
        speech.fail(ModelFailed("401", trouble=Trouble.REFUSED))
        await bot.judge.expect(ReplyAbandoned)
        with pytest.raises(ModerationError, match="no answer to be composed anew"):
            await scene.again(bot)

    async def test_a_failure_leaves_the_answer_that_was_there(self, launch: Launch, control: ControlClient) -> None:
        """And a retry asks for the new one once more."""
        scene = Scene(launch, control)
        bot = await scene.open()
        await scene.answer(bot, "The first.")
        await scene.fail(bot, await scene.again(bot))
        await scene.shows("The first.")
        (await scene.retry(bot)).end("The third.")
        await bot.judge.expect(ReplyCompleted)

        await scene.shows("The third.")

    async def test_it_is_shown_while_it_is_written(self, launch: Launch, control: ControlClient) -> None:
        """The old answer stays until there is something of the new one; each message once, in further ones, too."""
        scene = Scene(launch, control)
        bot = await scene.open()
        await scene.answer(bot, "The first.")
        speech = await scene.again(bot)
        await scene.shows("The first.")
        speech.say("The sec")
        await scene.shows("The sec")
        speech.say(f"ond. {PARAGRAPH}\n\n{PARAGRAPH}")
        await control.wait_for_messages(2, author=BOT)
        speech.end("The end.")
        await bot.judge.expect(ReplyCompleted)

        await scene.shows(f"The second. {PARAGRAPH}".strip(), f"{PARAGRAPH}The end.")
        assert [(event.part, event.generation) for event in await bot.judge.of(ReplySent)] == [(0, 1), (1, 2)]
        assert [event.generation for event in await bot.judge.of(ReplyBegun)] == [2]

    async def test_what_failed_while_it_was_shown_gives_way_to_the_answer_before(
        self, launch: Launch, control: ControlClient
    ) -> None:
        """All of it comes back, and what was shown beyond it goes."""
        scene = Scene(launch, control)
        bot = await scene.open()
        await scene.answer(bot, "The first.")
        speech = await scene.again(bot)
        speech.say(f"The second. {PARAGRAPH}\n\n{PARAGRAPH}")
        await bot.judge.expect(ReplySent, 2)
        speech.fail(ModelFailed("401", trouble=Trouble.REFUSED))
        await bot.judge.expect(ReplyCompleted)

        await scene.shows("The first.")
        assert not await bot.judge.of(ReplyAbandoned)

    async def test_stopped_in_the_middle_the_next_process_goes_on_in_the_same_messages(
        self, launch: Launch, control: ControlClient
    ) -> None:
        """A further part that the log does not know is looked for, and not sent twice."""
        scene = Scene(launch, control)
        first = await scene.open()
        await scene.answer(first, "The first.")
        speech = await scene.again(first)
        await control.gateway("mute")
        speech.say("The sec")
        await scene.shows("The sec")
        await control.add_fault("reset", when="after", count=1, **POSTS)
        speech.say(f"ond. {PARAGRAPH}\n\n{PARAGRAPH}")
        await control.wait_for_messages(2, author=BOT)
        await first.stop()
        await control.gateway("unmute")

        second = await scene.open()
        speech = await scene.responder.asked(3)
        speech.end(f"{PARAGRAPH}\n\n{PARAGRAPH} Truly.")
        await second.judge.expect(ReplyCompleted)

        await scene.shows(PARAGRAPH.strip(), f"{PARAGRAPH} Truly.")
        assert len(await control.messages(author=BOT)) == 2

    async def test_asked_for_again_it_goes_on_in_the_messages_of_the_attempt_before(
        self, launch: Launch, control: ControlClient, sandbox: Sandbox
    ) -> None:
        """An older release showed it while it was written: it had grown by a part when it failed."""
        scene = Scene(launch, control)
        bot = await scene.open()
        await scene.answer(bot, "The first.")
        speech = await scene.again(bot)
        await arrives(control, sandbox, nonce_of(int(scene.question), 1, 2), PARAGRAPH)
        await bot.judge.expect(ReplySent, 2)
        await scene.fail(bot, speech)
        (await scene.retry(bot)).end(f"{PARAGRAPH}\n\nThe third. {PARAGRAPH}")
        await bot.judge.expect(ReplyCompleted)

        await scene.shows(PARAGRAPH.strip(), f"The third. {PARAGRAPH.strip()}")
        assert len(await control.requests(**POSTS)) == 2

    async def test_a_part_of_which_the_log_knows_another_message_is_not_sent_for_ever(
        self, launch: Launch, control: ControlClient, sandbox: Sandbox
    ) -> None:
        """A retry of an older release took what the attempt before had shown for surplus."""
        scene = Scene(launch, control)
        bot = await scene.open()
        await scene.answer(bot, "The first.")
        speech = await scene.again(bot)
        await arrives(control, sandbox, nonce_of(int(scene.question), 1, 2), PARAGRAPH)
        first, second = (event.sent_id for event in await bot.judge.expect(ReplySent, 2))
        await scene.fail(bot, speech)
        (anew,) = await bot.judge.of(ReplyRetried)
        older = anew.model_copy(update={"sent_ids": (first,), "surplus": (second,)})
        await bot.bot.conversations.handle(int(await channel(control)), Retry(older))
        (await scene.responder.asked(3)).end(f"{PARAGRAPH}\n\n{PARAGRAPH}")
        abandoned = await bot.judge.expect(ReplyAbandoned, 2)

        assert [event.reason for event in abandoned] == [AbandonReason.POISON, AbandonReason.GONE_AFTER_SEND]
        assert len(await control.requests(**POSTS)) < 10


async def test_an_answer_whose_reference_is_refused_is_shown_when_it_is_whole(
    launch: Launch, control: ControlClient
) -> None:
    """Without a reference it is known by its text alone, which has to be the one composed."""
    scene = Scene(launch, control)
    bot = await scene.open()
    await control.set_permissions("general", deny=["READ_MESSAGE_HISTORY"])
    speech = await scene.ask()
    speech.say("Once")
    (delayed,) = await bot.judge.expect(ReplyDelayed)
    speech.say(" upon")
    assert await control.messages(author=BOT) == []
    speech.end(" a time.")
    await bot.judge.expect(ReplyCompleted)

    await scene.shows("Once upon a time.")
    (message,) = await control.messages(author=BOT)
    assert (delayed.plain, message["reference"]) == (True, None)
