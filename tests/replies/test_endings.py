from __future__ import annotations

from typing import Any

import pytest

from bot.core.commands import Abandon
from bot.core.events import (
    AbandonReason,
    ErasureReason,
    MessageDeleted,
    MessageReceived,
    ReplyAbandoned,
    ReplyComposed,
    ReplyDelayed,
    ReplyRequested,
    ReplySent,
)
from bot.eventlog.erasing import Wanted, erase, find
from bot.replies import sending
from bot.responders import Answer, Context, Question, Responder
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import SEND_TIMEOUT, Gated, Launch, RunningBot
from tests.model import dear
from tests.suite.clock import Clock
from tests.waiting import eventually

POST: dict[str, Any] = {"method": "POST", "path": "/channels/*/messages"}


async def said(control: ControlClient, **chosen: object) -> list[str]:
    """Return what the bot said, oldest first, deleted or not."""
    return [message["content"] for message in await control.messages(author="sandbox-bot", **chosen)]


async def abandoned(bot: RunningBot, count: int = 1) -> list[tuple[AbandonReason, str]]:
    """Wait for abandoned replies and return their reasons."""
    return [(event.reason, event.detail) for event in await bot.judge.expect(ReplyAbandoned, count)]


async def held_question(bot: RunningBot, control: ControlClient, **where: str) -> str:
    """Ask something whose answer is held at the responder, and return the question's id."""
    post = await control.post("ask it", **where)
    await bot.judge.expect(ReplyRequested)
    return post["id"]


async def test_a_channel_in_which_it_may_not_write(launch: Launch, control: ControlClient) -> None:
    """403: asked once, never again."""
    responder = Gated()
    bot = await launch(responder=responder)
    await held_question(bot, control)
    await control.set_permissions("general", deny=["SEND_MESSAGES"])
    responder.open.set()

    assert await abandoned(bot) == [(AbandonReason.FORBIDDEN, "code 50013")]
    assert len(await control.requests(**POST)) == 1
    assert await said(control) == []


async def test_no_model_is_asked_where_the_answer_cannot_be_posted(launch: Launch, control: ControlClient) -> None:
    """The same end as after Discord's refusal, at no cost: in a channel, and in a thread by the thread's permission."""
    model = dear()
    bot = await launch(responder=model, replies={"notices": {}})
    thread = (await control.create_thread("aside"))["id"]
    await control.set_permissions("general", deny=["SEND_MESSAGES"])
    await control.post("one", mention=["sandbox-bot"])
    await bot.judge.expect(ReplyAbandoned)
    await control.post("two", mention=["sandbox-bot"], channel=thread)
    await bot.judge.expect(ReplySent)
    await control.set_permissions("general", deny=["SEND_MESSAGES_IN_THREADS"])
    await control.post("three", mention=["sandbox-bot"], channel=thread)
    gone = await bot.judge.expect(ReplyAbandoned, 2)
    await control.post("four", mention=["sandbox-bot"])
    await bot.judge.expect(ReplySent, 2)

    assert [(each.reason, each.detail) for each in gone] == [
        (AbandonReason.FORBIDDEN, "no permission Send Messages"),
        (AbandonReason.FORBIDDEN, "no permission Send Messages in Threads"),
    ]
    assert [question.text for question, _ in model.asked] == ["two", "four"]
    assert len(await control.requests(**POST)) == 2


async def test_a_message_that_discord_does_not_take(launch: Launch, control: ControlClient) -> None:
    """400: here a thread that was locked meanwhile."""
    responder = Gated()
    bot = await launch(responder=responder)
    thread = await control.create_thread("aside")
    await held_question(bot, control, channel=thread["id"])
    await control.change_thread(thread["id"], archived=True, locked=True)
    responder.open.set()

    assert await abandoned(bot) == [(AbandonReason.REFUSED, "status 400, code 50083")]
    assert len(await control.requests(**POST)) == 1


async def test_a_channel_that_is_gone_without_a_word(launch: Launch, control: ControlClient) -> None:
    """404 10003: its end was missed."""
    responder = Gated()
    bot = await launch(responder=responder)
    room = await control.create_channel("doomed")
    await held_question(bot, control, channel=room["id"])
    await control.gateway("mute")
    await control.delete_channel(room["id"])
    responder.open.set()

    assert await abandoned(bot) == [(AbandonReason.CHANNEL_DELETED, "unknown channel")]


async def test_a_reply_that_was_sent_and_then_deleted_is_not_sent_again(
    launch: Launch, control: ControlClient, clock: Clock
) -> None:
    """404 10008: Discord still knows the nonce (docs/discord-facts.md, 1.1), so somebody removed what it had made."""
    responder = Gated()
    bot = await launch(responder=responder)
    await held_question(bot, control)
    await control.gateway("mute")
    await control.add_fault("hang", **POST, when="after")
    responder.open.set()
    [reply] = await control.wait_for_messages(author="sandbox-bot")
    await control.delete(reply["id"])
    clock.go_on(SEND_TIMEOUT)

    assert await abandoned(bot) == [(AbandonReason.GONE_AFTER_SEND, "unknown message")]
    assert await said(control) == ["re: it"]


async def test_an_unknown_fate_that_nobody_may_look_up(launch: Launch, control: ControlClient, clock: Clock) -> None:
    """Without the history nobody can tell, so nothing is sent that may be there already."""
    responder = Gated()
    bot = await launch(responder=responder)
    await held_question(bot, control)
    await control.add_fault("hang", **POST, when="before")
    responder.open.set()
    await eventually(lambda: control.requests(**POST))
    await control.set_permissions("general", deny=["READ_MESSAGE_HISTORY"])
    clock.go_on(SEND_TIMEOUT)

    assert await abandoned(bot) == [(AbandonReason.UNKNOWN_FATE, "")]
    assert len(await control.requests(**POST)) == 1


async def test_it_gives_up_after_so_many_attempts(launch: Launch, control: ControlClient) -> None:
    """As the settings say; the next question gets its own."""
    bot = await launch(replies={"max_attempts": 3})
    await control.add_fault("status", **POST, status=503, count=3)
    for text in ("ask one", "ask two"):
        await control.post(text)

    await bot.judge.expect(ReplySent)

    assert await abandoned(bot) == [(AbandonReason.GAVE_UP, "")]
    assert [event.attempt for event in await bot.judge.of(ReplyDelayed)] == [1, 2, 3]
    assert await said(control) == ["re: two"]


async def test_an_answer_that_comes_too_late_is_not_sent(launch: Launch, control: ControlClient) -> None:
    """Neither the one that was held, nor the one that waited behind it and was never written."""
    responder = Gated()
    bot = await launch(responder=responder, replies={"max_age": "1ms"})
    for text in ("ask one", "ask two"):
        await control.post(text)
    await bot.judge.expect(ReplyRequested, 2)
    responder.open.set()

    assert await abandoned(bot, 2) == [(AbandonReason.EXPIRED, "")] * 2
    assert await control.requests(**POST) == []


async def test_a_question_deleted_before_its_answer_is_written(launch: Launch, control: ControlClient) -> None:
    """While it is at the responder, and while it waits behind another."""
    responder = Gated()
    bot = await launch(responder=responder)
    ids = [(await control.post(f"ask {number}"))["id"] for number in range(3)]
    await bot.judge.expect(ReplyRequested, 3)
    await eventually(lambda: responder.asked)

    # The one that waits goes first: it would be asked as soon as the other is gone.
    await control.delete(ids[1])
    await abandoned(bot)
    await control.delete(ids[0])
    reasons = await abandoned(bot, 2)
    responder.open.set()
    await bot.judge.expect(ReplySent)

    assert reasons == [(AbandonReason.TRIGGER_DELETED, "")] * 2
    assert await said(control) == ["re: 2"]
    assert [question.text for question in responder.asked] == ["ask 0", "ask 2"]


async def test_a_question_deleted_before_its_answer_is_sent(
    launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written already, and waiting for another attempt."""
    monkeypatch.setattr(sending, "LONGEST_PAUSE", 0.5)
    bot = await launch()
    await control.add_fault("status", **POST, status=503)
    post = await control.post("ask it")
    await bot.judge.expect(ReplyDelayed)

    await control.delete(post["id"])
    await bot.judge.expect(MessageDeleted)

    assert await abandoned(bot) == [(AbandonReason.TRIGGER_DELETED, "")]
    assert await said(control) == []


class Scripted(Responder):
    """A responder that does with each question what the question says."""

    name = "scripted"

    def claims(self, question: Question) -> bool:
        """Take everything that begins with an order."""
        return question.text.startswith(("raise", "stay", "say", "blank"))

    async def answer(self, question: Question, context: Context) -> Answer | None:
        """Obey."""
        del context
        match question.text.split(" ", 1):
            case ["raise", what]:
                raise ValueError(what)
            case ["say", what]:
                return Answer(what)
            case ["blank", _]:
                return Answer(" \n ")
            case _:
                return None


async def test_a_responder_that_raises_is_asked_three_times(launch: Launch, control: ControlClient) -> None:
    """The kind of the error is recorded, its words are not, and the next question is answered."""
    bot = await launch(responder=Scripted())
    await control.post("raise my secret")
    await control.post("say hello")

    await bot.judge.expect(ReplySent)

    assert await abandoned(bot) == [(AbandonReason.POISON, "ValueError")]
    assert [event.reason for event in await bot.judge.of(ReplyDelayed)] == ["ValueError"] * 2
    assert await said(control) == ["hello"]


async def test_a_responder_that_hangs_is_given_up(launch: Launch, control: ControlClient) -> None:
    """Its time is limited, each time."""
    responder = Gated()
    responder.timeout = 0.05
    bot = await launch(responder=responder)
    await control.post("ask it")

    assert await abandoned(bot) == [(AbandonReason.POISON, "TimeoutError")]
    assert len(responder.asked) == 3


@pytest.mark.parametrize("order", ["stay silent", "blank text"])
async def test_a_responder_without_an_answer(launch: Launch, control: ControlClient, order: str) -> None:
    """None, and a text that shows nothing, are the same: the log says so and nothing is sent."""
    bot = await launch(responder=Scripted())
    await control.post(order)

    assert await abandoned(bot) == [(AbandonReason.NO_ANSWER, "")]
    assert await bot.judge.of(ReplyComposed) == []
    assert await said(control) == []


async def test_replies_mention_nobody(launch: Launch, control: ControlClient) -> None:
    """Whatever people make the bot say."""
    bot = await launch(responder=Scripted())
    somebody = await control.create_user("bob")
    await control.post(f"say @everyone <@{somebody['id']}> <@&1>")
    await bot.judge.expect(ReplySent)

    [reply] = await control.messages(author="sandbox-bot")
    assert reply["mentions"] == []


async def test_one_channel_in_trouble_holds_up_no_other(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """Order is kept within the channel: the second question waits for the first one's answer."""
    general = sandbox.services.general.id
    bot = await launch()
    await control.add_fault("status", method="POST", path=f"/channels/{general}/messages", status=503, count=2)
    other = await control.create_channel("elsewhere")
    for text in ("ask one", "ask two"):
        await control.post(text)
    await control.post("ask three", channel=other["id"])

    await bot.judge.expect(ReplySent, 3)

    sent = [each.event.message_id for each in await bot.judge.all() if isinstance(each.event, ReplySent)]
    assert sent == sorted(sent, key=lambda message_id: (message_id != sent[0], message_id))
    assert await said(control, channel=other["id"]) == ["re: three"]
    assert await said(control, channel=str(general)) == ["re: one", "re: two"]
    assert (await control.messages(author="sandbox-bot"))[0]["content"] == "re: three"


async def test_a_reply_that_is_dropped_while_nobody_can_be_reached_is_not_written(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """A model would be asked, and paid, for nothing."""
    channel, responder = sandbox.services.general.id, Gated()
    bot = await launch(responder=responder)
    questions = [int((await control.post(f"ask {text}"))["id"]) for text in ("one", "two", "three")]
    await bot.judge.expect(ReplyRequested, 3)
    await eventually(lambda: responder.asked)
    await control.gateway("storm", at="connect", does="cut")
    await control.gateway("drop")
    await eventually(lambda: not bot.connected)
    one, two, three = questions

    for question in (one, two):
        await bot.bot.conversations.handle(channel, Abandon(question, AbandonReason.CANCELLED))
        responder.open.set()
        # The worker has turned to the next one.
        await eventually(lambda: bot.bot.current.connected._waiters)
    await control.gateway("calm")
    await bot.judge.expect(ReplySent)

    assert [question.message_id for question in responder.asked] == [one, three]
    assert await said(control) == ["re: three"]


async def test_an_answer_to_words_that_are_erased_meanwhile(launch: Launch, control: ControlClient) -> None:
    """The asker is forgotten while the answer is written: nothing is said, and nothing of it is recorded."""
    responder = Gated()
    bot = await launch(responder=responder)
    post = await control.post("ask it")
    await eventually(lambda: responder.asked)
    (received,) = await bot.judge.of(MessageReceived)
    wanted, record = Wanted(person_id=received.author_id), bot.bot.conversations.record
    await erase(bot.bot.log, wanted, ErasureReason.PERSON, record=record)
    responder.open.set()

    assert await abandoned(bot) == [(AbandonReason.ERASED, "")]
    assert await said(control) == []
    assert await find(bot.bot.log.reader, wanted) == []
    why = await bot.moderation.why(int(post["channel_id"]), int(post["id"]))
    assert "words erased: asked by the person" in "\n".join(why.lines)
