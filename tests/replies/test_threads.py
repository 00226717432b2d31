"""Answers in threads of their own: opened once, gone on with without a mention, or given in the channel instead."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.events import (
    Proof,
    ReplyMoved,
    ReplySent,
    ThreadIntended,
    ThreadOpened,
    ThreadRefused,
    WordsErased,
)
from bot.gateway.interaction_replies import EITHER
from bot.replies.repair import NothingToRetry, retry
from bot.replies.threads import IN_A_THREAD
from bot.responders import Answer
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator
from tests.harness import Launch, RunningBot
from tests.model import Model, actor
from tests.moderating import Moderation
from tests.replies.test_notices import QUESTION, marked
from tests.waiting import eventually

BOT = ["sandbox-bot"]
ON = {"open_threads": True}
STARTS: dict[str, Any] = {"method": "POST", "path": "/channels/*/messages/*/threads"}


async def test_a_question_opens_a_thread_in_which_the_conversation_goes_on(
    launch: Launch, control: ControlClient
) -> None:
    """Named by the question, begun with it, without a mention from then on; the channel's window has nothing of it."""
    model = actor()
    bot = await launch(responder=model, replies=ON)
    other = await control.post("something else", author="bob")
    question = await control.post("**how** do I _open_ a `thread`?", mention=BOT, reply_to=other["id"])
    await bot.judge.expect(ReplySent)
    thread = question["id"]
    await control.post("and then?", channel=thread)
    await bot.judge.expect(ReplySent, 2)

    assert len(await control.requests(**STARTS)) == 1
    (opened,) = await bot.judge.of(ThreadOpened)
    assert (await bot.judge.of(ReplyMoved), opened.proof) == (
        [ReplyMoved(message_id=int(thread), thread_id=int(thread))],
        Proof.RESPONSE,
    )
    answers = await control.messages(author="sandbox-bot")
    assert [message["channel_id"] for message in answers] == [thread, thread]
    histories = [[said.text.partition("> ")[2] or said.text for said in context.history] for _, context in model.asked]
    assert histories == [[], ["**how** do I _open_ a `thread`?", "as myself about nothing"]]
    first = model.asked[0][1]
    assert (first.bot_name, [said.text for said in first.quoted]) == ("sandbox-bot", ["something else"])
    assert model.asked[1][1].quoted == ()
    above, inside = [await bot.judge.settled(each) for each in (question["channel_id"], thread)]
    assert [len(above.window), len(inside.window), above.outbox] == [2, 4, ()]


async def answered_here(bot: RunningBot, control: ControlClient, channel: str) -> str:
    """Return why an answer stands in a channel and not in a thread."""
    (refused,) = await bot.judge.expect(ThreadRefused)
    await bot.judge.expect(ReplySent)
    (answer,) = await control.messages(author="sandbox-bot")
    assert answer["channel_id"] == channel
    assert await bot.judge.of(ThreadOpened) == []
    return refused.reason


async def test_without_permission_the_answer_comes_in_the_channel(launch: Launch, control: ControlClient) -> None:
    """No thread is tried, and the log says why."""
    await control.set_permissions("general", deny=["CREATE_PUBLIC_THREADS"])
    bot = await launch(responder=actor(), replies=ON)
    question = await control.post("hello?", mention=BOT)

    assert await answered_here(bot, control, question["channel_id"]) == "no permission Create Public Threads"
    assert await control.requests(**STARTS) == []


async def test_behind_a_rate_limit_the_answer_comes_in_the_channel(launch: Launch, control: ControlClient) -> None:
    """At once, and the log says why."""
    bot = await launch(responder=actor(), replies=ON)
    await control.add_fault("ratelimit", retry_after=60.0, **STARTS)
    question = await control.post("hello?", mention=BOT)

    assert await answered_here(bot, control, question["channel_id"]) == "rate limit"


async def test_a_thread_that_is_there_is_found(launch: Launch, control: ControlClient) -> None:
    """Also where the request that opened it seemed to fail; then nobody opens another."""
    bot = await launch(responder=actor(), replies=ON)
    await control.add_fault("reset", when="after", **STARTS)
    question = await control.post("hello?", mention=BOT)
    await bot.judge.expect(ReplySent)

    (opened,) = await bot.judge.of(ThreadOpened)
    (answer,) = await control.messages(author="sandbox-bot")
    assert (opened.proof, answer["channel_id"]) == (Proof.HISTORY, question["id"])


async def test_a_question_that_gets_no_answer_is_marked_where_it_stands(launch: Launch, control: ControlClient) -> None:
    """In the channel above its thread, where its author wrote it."""
    await launch(responder=Model(lambda _, _context: Answer("")), replies=ON)
    await control.post("hello?", mention=BOT)

    await eventually(lambda: marked(control, [[QUESTION]]))


async def test_who_has_a_conversation_goes_on_with_it(launch: Launch, control: ControlClient) -> None:
    """In a thread, in private, in reply to the bot, and by a rule: none of these opens a thread."""
    bot = await launch(replies=ON)
    thread = (await control.create_thread("aside"))["id"]
    direct = (await control.open_dm("alice"))["id"]
    for place in (thread, direct):
        await control.post("ask me", channel=place, mention=BOT)
    await control.post("ask by rule")
    await bot.judge.expect(ReplySent, 3)

    assert await bot.judge.of(ThreadIntended) == []


async def test_a_question_that_is_deleted_takes_its_words_along(launch: Launch, control: ControlClient) -> None:
    """Out of the thread's conversation, and with them the answer's, where the settings say so. Archived, it wakes."""
    model = actor()
    bot = await launch(responder=model, replies=ON, privacy={"erase_answers": True})
    thread = (await control.post("secret", mention=BOT))["id"]
    await bot.judge.expect(ReplySent)
    await control.delete(thread)
    await bot.judge.expect(WordsErased)
    await control.change_thread(thread, archived=True)
    await control.post("what was that?", channel=thread)
    await bot.judge.expect(ReplySent, 2)

    assert list(model.asked[1][1].history) == []


async def test_a_commands_question_gets_a_thread_too(launch: Launch, control: ControlClient) -> None:
    """It is started from the response, and goes on there. Who wants it to be private is told."""
    model = actor()
    bot = await launch(responder=model, replies={"ask": True})
    alice = Moderator(control, user="alice")
    await alice.registered()
    answer = await alice.use("ask", {"question": "what is new?", "thread": True})
    thread = answer["original"]["id"]
    await bot.judge.expect(ReplySent)
    await control.post("and then?", channel=thread)
    await bot.judge.expect(ReplySent, 2)

    intended = [event.starter_id for event in await bot.judge.of(ThreadIntended)]
    assert (answer["original"]["content"], intended) == (IN_A_THREAD, [0, int(thread)])
    assert [said.text for said in model.asked[1][1].history] == ["what is new?", "as myself about nothing"]
    assert model.asked[1][1].quoted == ()
    assert (await bot.judge.settled(answer["original"]["channel_id"])).window == ()
    refused = await alice.use("ask", {"question": "what is new?", "thread": True, "private": True})
    assert (refused["original"]["content"], refused["original"]["ephemeral"]) == (EITHER, True)


async def test_a_moved_reply_is_asked_for_again_in_its_thread(launch: Launch, control: ControlClient) -> None:
    """In the channel it is told where that is, and why an answer stands where it does."""
    bot = await launch(responder=actor(), replies=ON)
    question = await control.post("hello?", mention=BOT)
    (sent,) = await bot.judge.expect(ReplySent)
    above, thread = int(question["channel_id"]), int(question["id"])

    moderation = Moderation(bot.bot.context)
    with pytest.raises(NothingToRetry, match=f"in thread {thread}: name that channel"):
        await retry(bot.bot.conversations, bot.bot.log.reader, above, thread, by="7")
    told = [await moderation.why(above, thread), await moderation.why(thread, sent.sent_id)]

    assert told[0].data["outcome"] == f"answered in thread {thread}"
    assert told[1].data["outcome"] == "answered in 1 part"
    assert f"message: one of channel {above}, for whose answer this thread was opened" in told[1].lines
