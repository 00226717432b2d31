from __future__ import annotations

import aiohttp
import pytest

from bot.core.events import (
    Author,
    Call,
    DirectChannelOpened,
    MessageEvent,
    MessageReceived,
    MessageSkipped,
    ReplyComposed,
    ReplyRequested,
    ReplySent,
    SkipReason,
    Via,
)
from bot.core.streams import stream_of
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Launch
from tests.waiting import eventually


async def replies(control: ControlClient, **chosen: object) -> list[str]:
    """Return what the bot said, oldest first."""
    return [message["content"] for message in await control.messages(author="sandbox-bot", **chosen)]


async def test_a_message_is_recorded_with_all_that_discord_says_of_it(launch: Launch, control: ControlClient) -> None:
    """Ids and numbers in the event, words and names sealed beside it."""
    bot = await launch()
    first = await control.post("hello")
    files = [{"filename": "cat.png", "size": 1234, "content_type": "image/png"}]
    second = await control.post("what a cat", author="bob", reply_to=first["id"], attachments=files)

    events = await bot.judge.expect(MessageReceived, 2, first["channel_id"])
    words = await bot.judge.words(first["channel_id"], MessageReceived)

    assert [event.message_id for event in events] == [int(first["id"]), int(second["id"])]
    assert events[1].author_id == int(second["author_id"])
    assert events[1].author is Author.PERSON
    assert events[1].reply_to == int(first["id"])
    assert events[1].guild_id == int(second["guild_id"] or 0)
    assert [(file.size, file.content_type) for file in events[1].attachments] == [(1234, "image/png")]
    assert [(body.name, body.text, body.files) for body in words] == [
        ("alice", "hello", ()),
        ("bob", "what a cat", ("cat.png",)),
    ]
    assert [each.event for each in await bot.judge.all(f"channel:{first['channel_id']}")] == events


@pytest.mark.parametrize("missed", [False, True], ids=["live", "missed"])
async def test_a_mention_is_one_that_discord_lists(
    launch: Launch, control: ControlClient, sandbox: Sandbox, *, missed: bool
) -> None:
    """Live and in the history: also the ping of a reply to what is not shown; not one in words alone, or in code."""
    own = sandbox.services.application.user
    bot = None if missed else await launch(replies={"answer": ["mention"]})
    await control.set_permissions("general", deny=["VIEW_CHANNEL"])
    posts = []
    for text, listed in (("ask b", True), (f"<@{own.id}> ask c", False), (f"ask `<@{own.id}>`", True)):
        posts.append(await control.post(text))
        sandbox.world.messages[int(posts[-1]["id"])].mentions = [own] if listed else []
    await control.set_permissions("general", allow=["VIEW_CHANNEL"])

    if bot is None:
        bot = await launch(replies={"answer": ["mention"]})
    else:
        for post in posts:
            await control.gateway("repeat", message=post["id"])
    await bot.judge.expect(MessageReceived, 3)
    [request] = await bot.judge.expect(ReplyRequested)

    assert (request.call, request.message_id) == (Call.MENTION, int(posts[0]["id"]))


async def test_what_addresses_the_bot(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """A rule, a mention, a reply with and without a ping, a name; chatter does not."""
    bot = await launch(replies={"names": ["echo"]})
    channel = str(sandbox.services.general.id)
    await control.post("chatter")
    await control.post("ask a")
    [answer] = await control.wait_for_messages(author="sandbox-bot")
    await control.post("ask b", mention="sandbox-bot")
    await control.post("ask c", reply_to=answer["id"])
    await control.post("ask d", reply_to=answer["id"], ping=False)
    await control.post("Echo: ask e")
    await control.post("no rule for this", mention="sandbox-bot")

    await bot.judge.expect(ReplySent, 5, channel)
    [skipped] = await bot.judge.expect(MessageSkipped, 1, channel)

    calls = [event.call for event in await bot.judge.of(ReplyRequested, channel)]
    assert calls == [Call.RULE, Call.MENTION, Call.REPLY, Call.REPLY, Call.NAME]
    assert await replies(control) == ["re: a", "re: b", "re: c", "re: d", "re: e"]
    assert skipped.reason is SkipReason.NO_ANSWER


async def test_an_answer_by_rule_is_recorded_along_with_its_question(launch: Launch, control: ControlClient) -> None:
    """In one commit, before anything of it is sent: nobody waits for a second one."""
    bot = await launch()
    question = await control.post("ask one")
    await bot.judge.expect(ReplySent, 1)

    found = [
        recorded
        for recorded in await bot.judge.all(stream_of(int(question["channel_id"])))
        if isinstance(recorded.event, MessageEvent)
    ]

    assert [type(recorded.event) for recorded in found] == [MessageReceived, ReplyRequested, ReplyComposed, ReplySent]
    received, requested, composed, sent = found
    assert received.recorded_at == requested.recorded_at == composed.recorded_at < sent.recorded_at
    assert await replies(control) == ["re: one"]


async def test_a_direct_message_is_answered_and_its_channel_remembered(launch: Launch, control: ControlClient) -> None:
    """Remembered once: no list of Discord's names it after a restart."""
    bot = await launch()
    dm = await control.open_dm("alice")

    for text in ("ask one", "ask two"):
        await control.post(text, channel=dm["id"])
    requested = await bot.judge.expect(ReplyRequested, 2, dm["id"])
    await bot.judge.settled(dm["id"])

    assert {event.call for event in requested} == {Call.DM}
    assert await bot.judge.of(DirectChannelOpened) == [DirectChannelOpened(channel_id=int(dm["id"]))]
    assert await replies(control, channel=dm["id"]) == ["re: one", "re: two"]
    assert [event.guild_id for event in await bot.judge.of(MessageReceived, dm["id"])] == [None, None]


async def test_a_thread_is_a_conversation_of_its_own(launch: Launch, control: ControlClient) -> None:
    """Started from a message, and by itself."""
    bot = await launch()
    start = await control.post("let's talk")
    from_message = await control.create_thread("talk", message=start["id"])
    by_itself = await control.create_thread("aside")

    for thread in (from_message, by_itself):
        await control.post("ask here", channel=thread["id"])
        await bot.judge.expect(ReplySent, 1, thread["id"])

    for thread in (from_message, by_itself):
        assert await replies(control, channel=thread["id"]) == ["re: here"]
    assert len(await bot.judge.of(MessageReceived, start["channel_id"])) == 1


async def test_own_messages_are_no_messages_of_somebody(launch: Launch, control: ControlClient) -> None:
    """The echo of a reply confirms it and is recorded as nothing else."""
    bot = await launch()
    post = await control.post("ask it")

    await bot.judge.expect(ReplySent)
    marker = await control.post("after the echo")
    await bot.judge.expect(MessageReceived, 2)

    received = await bot.judge.of(MessageReceived)
    assert [event.message_id for event in received] == [int(post["id"]), int(marker["id"])]


async def post_as_webhook(control: ControlClient, sandbox: Sandbox, text: str) -> None:
    """Post the way a build server does."""
    webhook = await control.create_webhook("builds")
    url = f"{sandbox.services.addresses.api}/webhooks/{webhook['id']}/{webhook['token']}"
    async with aiohttp.ClientSession() as session, session.post(url, json={"content": text}) as response:
        assert response.status < 300


@pytest.mark.parametrize("answer_bots", [False, True], ids=["bots are not answered", "bots are answered"])
async def test_bots_and_webhooks(
    launch: Launch, control: ControlClient, sandbox: Sandbox, *, answer_bots: bool
) -> None:
    """Always recorded as what they are; why they get no answer is recorded too."""
    bot = await launch(replies={"answer_bots": answer_bots})
    await control.create_user("robot", bot=True)
    await control.post("ask as a bot", author="robot")
    await post_as_webhook(control, sandbox, "ask as a webhook")
    await control.post("ask as a person")

    await bot.judge.expect(ReplyRequested, 3 if answer_bots else 1)
    await bot.judge.settled(sandbox.services.general.id)

    events = await bot.judge.of(MessageReceived)
    skipped = await bot.judge.of(MessageSkipped)
    assert [event.author for event in events] == [Author.BOT, Author.WEBHOOK, Author.PERSON]
    if answer_bots:
        assert await replies(control) == ["re: as a bot", "re: as a webhook", "re: as a person"]
        assert skipped == []
    else:
        assert await replies(control) == ["re: as a person"]
        assert [event.reason for event in skipped] == [SkipReason.AUTHOR] * 2


async def test_without_the_content_intent_only_what_is_meant_for_the_bot_carries_text(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """The others are recorded without words, so that nothing is missing."""
    await control.change_settings(denied_intents=["message_content"])
    bot = await launch(discord={"message_content": False})
    await control.post("ask unheard")
    await control.post("ask heard", mention="sandbox-bot")

    await bot.judge.expect(ReplySent)

    words = await bot.judge.words(sandbox.services.general.id, MessageReceived)
    assert words[0].text == ""
    assert words[1].text.endswith("ask heard")
    assert await replies(control) == ["re: heard"]


async def test_a_message_delivered_again_is_taken_once(launch: Launch, control: ControlClient) -> None:
    """Three times over, before and after its answer."""
    bot = await launch()
    await control.gateway("repeat", probability=1.0, seed=1)
    post = await control.post("ask once")
    await bot.judge.expect(ReplySent)
    await control.gateway("repeat", message=post["id"], times=3)
    done = await control.post("done")
    await bot.judge.expect(MessageReceived, 2)

    assert [event.message_id for event in await bot.judge.of(MessageReceived)] == [int(post["id"]), int(done["id"])]
    assert len(await bot.judge.of(ReplyRequested)) == 1
    assert await replies(control) == ["re: once"]


async def test_five_hundred_messages_keep_their_order(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """Nothing is awaited between the gateway and the log's queue."""
    bot = await launch()
    channel = sandbox.services.general.id
    await control.post("the first brings the channel up to date")
    await bot.judge.expect(MessageReceived)

    ids = await control.post_many([{"content": f"message {number}"} for number in range(500)])
    received = await bot.judge.expect(MessageReceived, 501, channel)

    assert [event.message_id for event in received][1:] == [int(each) for each in ids]


async def test_messages_of_many_channels_keep_their_order_in_each(launch: Launch, control: ControlClient) -> None:
    """Even when Discord delivers channels in any order."""
    bot = await launch()
    channels = [(await control.create_channel(f"room-{number}"))["id"] for number in range(5)]
    await control.gateway("shuffle", size=20, delay=0.05, seed=7)

    posts = [{"channel": channels[number % 5], "content": f"ask {number}"} for number in range(60)]
    ids = await control.post_many(posts)
    await bot.judge.expect(ReplySent, 60)

    for index, channel in enumerate(channels):
        events = await bot.judge.of(MessageReceived, channel)
        assert [event.message_id for event in events] == [int(each) for each in ids[index::5]]
        assert await replies(control, channel=channel) == [f"re: {number}" for number in range(index, 60, 5)]


async def test_live_messages_move_the_watermark_once_the_channel_is_complete(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """An empty channel is complete from the start, so a restart has nothing to ask for."""
    bot = await launch()
    channel = sandbox.services.general.id
    await eventually(lambda: channel in bot.bot.sync)

    post = await control.post("hello")
    [event] = await bot.judge.expect(MessageReceived)

    assert event.via is Via.LIVE
    assert (await bot.judge.state(channel)).watermark_id == int(post["id"])
    assert not [each for each in await bot.judge.of(MessageEvent) if not isinstance(each, MessageReceived)]
