from __future__ import annotations

import pytest

from bot.core.events import (
    AbandonReason,
    ChannelDeleted,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    ReplyAbandoned,
    ReplyRequested,
    ReplySent,
)
from bot.sandbox import posting
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Gated, Launch
from tests.waiting import eventually


async def test_an_edit_is_recorded_with_its_words_and_answers_nothing(launch: Launch, control: ControlClient) -> None:
    """Each edit once; that it now asks something is no reason to answer."""
    bot = await launch()
    post = await control.post("aks me")
    channel = post["channel_id"]

    await control.edit(post["id"], "ask me")
    await bot.judge.expect(MessageEdited, 1, channel)
    await control.edit(post["id"], "ask me, please")
    edits = await bot.judge.expect(MessageEdited, 2, channel)

    assert [edit.message_id for edit in edits] == [int(post["id"])] * 2
    assert [body.text for body in await bot.judge.words(channel, MessageEdited)] == ["ask me", "ask me, please"]
    assert await bot.judge.of(ReplyRequested) == []


async def test_what_only_discord_changes_is_no_edit(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """A preview of a link that arrives late, before and after a real edit."""
    bot = await launch()
    post = await control.post("look: https://example.org")
    message = sandbox.world.messages[int(post["id"])]
    message.embeds = [{"type": "link", "url": "https://example.org"}]

    posting.announce_update(sandbox.world, message)
    await control.edit(post["id"], "look there: https://example.org")
    posting.announce_update(sandbox.world, message)
    await control.post("done")
    await bot.judge.expect(MessageReceived, 2)

    assert len(await bot.judge.of(MessageEdited)) == 1


async def test_an_answer_is_to_the_question_as_it_reads_when_it_is_written(
    launch: Launch, control: ControlClient
) -> None:
    """The second question waits for the first one's answer and is edited meanwhile."""
    responder = Gated()
    bot = await launch(responder=responder)
    await control.post("ask one")
    second = await control.post("ask two")
    await bot.judge.expect(ReplyRequested, 2)

    await control.edit(second["id"], "ask too")
    await bot.judge.expect(MessageEdited)
    responder.open.set()
    await bot.judge.expect(ReplySent, 2)

    assert [reply["content"] for reply in await control.messages(author="sandbox-bot")] == ["re: one", "re: too"]


async def test_deletions_are_recorded_one_by_one_and_in_bulk(launch: Launch, control: ControlClient) -> None:
    """discord.py has none of these messages in its cache."""
    bot = await launch()
    ids = await control.post_many([{"content": str(number)} for number in range(5)])

    await control.delete(ids[0])
    await control.bulk_delete(ids[1:4])
    deleted = await bot.judge.expect(MessageDeleted, 4)

    assert [event.message_id for event in deleted] == [int(each) for each in ids[:4]]


@pytest.mark.parametrize("end", ["the channel", "the thread", "the thread's channel", "the server"])
async def test_the_end_of_a_channel_lets_go_of_its_replies(launch: Launch, control: ControlClient, end: str) -> None:
    """Pending replies are abandoned with the reason, and what is held at the responder is not sent afterwards."""
    responder = Gated()
    bot = await launch(responder=responder)
    guild = await control.create_guild("Elsewhere")
    channel = await control.create_channel("doomed", guild="Elsewhere")
    thread = await control.create_thread("aside", channel=channel["id"])
    asked = thread["id"] if "thread" in end else channel["id"]
    ids = [(await control.post(f"ask {number}", channel=asked))["id"] for number in range(3)]
    await bot.judge.expect(ReplyRequested, 3, asked)
    await eventually(lambda: responder.asked)

    match end:
        case "the thread":
            await control.delete_channel(thread["id"])
        case "the server":
            await control.delete_guild(guild["id"])
        case _:
            await control.delete_channel(channel["id"])
    abandoned = await bot.judge.expect(ReplyAbandoned, 3, asked)
    responder.open.set()

    # Whatever the bot would still send, it sends before it answers this.
    await control.post("ask elsewhere")
    await bot.judge.expect(ReplySent)
    assert [event.message_id for event in abandoned] == [int(each) for each in ids]
    # What was said on a server that is left is erased meanwhile.
    erased = {AbandonReason.ERASED} if end == "the server" else set()
    assert {event.reason for event in abandoned} <= {AbandonReason.CHANNEL_DELETED} | erased
    assert len(await bot.judge.of(ChannelDeleted, asked)) == 1
    assert await bot.judge.of(ReplySent, asked) == []
    posts = await control.requests(method="POST", path=f"/channels/{asked}/messages")
    assert posts == []


async def test_a_server_that_is_out_for_a_while_loses_nothing(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """Discord is silent about it until it is back; that is not the end of its channels."""
    bot = await launch()
    channel = sandbox.services.general.id
    thread = await control.create_thread("aside")
    await control.post("before")
    await bot.judge.expect(MessageReceived, 1, channel)

    await control.set_guild_unavailable("Sandbox", unavailable=True)
    ids = [(await control.post("ask meanwhile", channel=room))["id"] for room in ("general", thread["id"])]
    await control.set_guild_unavailable("Sandbox", unavailable=False)
    ids.append((await control.post("ask after"))["id"])
    await bot.judge.expect(ReplySent, 3)

    assert {event.message_id for event in await bot.judge.of(ReplySent)} == {int(each) for each in ids}
    assert len(await bot.judge.of(MessageReceived)) == 4
    assert await bot.judge.of(ChannelDeleted) == []
