"""What a model is told beside the words: who, in answer to whom, when, and by which name it is called."""

from __future__ import annotations

import pytest

from bot.app import bot as app
from bot.core.events import MessageEdited, MessageReceived, ReplySent
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch
from tests.model import actor

NOW = 1_800_000_000_000_000
BOT = ["sandbox-bot"]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it always be the same time."""
    monkeypatch.setattr(app, "clock", lambda: NOW)


async def test_turns_know_who_said_them_and_what_they_answer(launch: Launch, control: ControlClient) -> None:
    """Also where their words were edited, and where the bot said them."""
    model = actor()
    bot = await launch(responder=model)
    first = await control.post("first", author="bob")
    second = await control.post("second", reply_to=first["id"])
    await control.edit(second["id"], "second thoughts")
    await bot.judge.expect(MessageEdited)
    third = await control.post("who are you?", mention=BOT, reply_to=first["id"])
    (sent,) = await bot.judge.expect(ReplySent)
    fourth = await control.post("and you?", author="bob", reply_to=str(sent.sent_id))
    await bot.judge.expect(ReplySent, 2)

    question, context = model.asked[1]

    ids = [int(message["id"]) for message in (first, second, third)]
    alice, bob = int(second["author_id"]), int(first["author_id"])
    assert [(said.message_id, said.author_id, said.reply_to, said.by_bot) for said in context.history] == [
        (ids[0], bob, None, False),
        (ids[1], alice, ids[0], False),
        (ids[2], alice, ids[0], False),
        (sent.sent_id, 0, ids[2], True),
    ]
    assert context.history[1].text == "second thoughts"
    assert (question.message_id, question.author_id, question.reply_to) == (int(fourth["id"]), bob, sent.sent_id)


async def test_a_model_knows_the_time_and_its_name_where_it_is(launch: Launch, control: ControlClient) -> None:
    """Its nickname in that server, from the beginning or changed meanwhile; its own name in private."""
    model = actor()
    bot = await launch(responder=model)

    async def named(nick: str | None) -> str:
        await control.call("PATCH", "/members", {"user": "sandbox-bot", "nick": nick})
        await control.post("hi", mention=BOT)
        await bot.judge.expect(ReplySent, len(model.asked) + 1)
        return model.asked[-1][1].bot_name

    names = [await named("Robin"), await named(None)]
    direct = (await control.open_dm("alice"))["id"]
    await control.post("hi", channel=direct)
    await bot.judge.expect(ReplySent, 3)

    assert names == ["Robin", "sandbox-bot"]
    assert model.asked[2][1].bot_name == "sandbox-bot"
    assert {context.now for _, context in model.asked} == {NOW}


async def test_a_nickname_is_known_after_a_restart(launch: Launch, control: ControlClient) -> None:
    """The session's start tells of it."""
    await control.call("PATCH", "/members", {"user": "sandbox-bot", "nick": "Robin"})
    model = actor()
    bot = await launch(responder=model)
    await control.post("hi", mention=BOT)
    await bot.judge.expect(MessageReceived)
    await bot.judge.expect(ReplySent)

    assert model.asked[0][1].bot_name == "Robin"


async def test_a_chain_of_replies_is_the_history(launch: Launch, control: ControlClient) -> None:
    """If the settings say so. It begins with what the log never held, and holds nothing of another branch."""
    model = actor()
    old = await control.post("before the bot came", author="bob")
    bot = await launch(responder=model, replies={"history": "chain"}, catchup={"enabled": False})
    await control.post("something else", mention=BOT)
    await bot.judge.expect(ReplySent)
    question = await control.post("what of this?", mention=BOT, reply_to=old["id"])
    _, sent = await bot.judge.expect(ReplySent, 2)
    await control.post("and then?", author="bob", reply_to=str(sent.sent_id))
    await bot.judge.expect(ReplySent, 3)

    histories = [[said.message_id for said in context.history] for _, context in model.asked]
    assert histories == [[], [int(old["id"])], [int(old["id"]), int(question["id"]), sent.sent_id]]
    assert [context.quoted for _, context in model.asked] == [(), (), ()]
