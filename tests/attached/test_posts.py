from __future__ import annotations

import asyncio

import discord
import pytest

from bot import Log
from bot.app.bot import reading_context
from bot.attached.parts import Nobody
from bot.config import Config
from bot.config.model import LogSettings
from bot.core.events import ErasureReason, MessageReceived, PostRequested, ReplyComposed, ReplyDelayed, ReplySent, Role
from bot.core.fate import Look, Sighting
from bot.core.outbox import Pending
from bot.core.streams import stream_of
from bot.errors import ConfigError, PostAbandoned
from bot.eventlog.erasing import Wanted, erase
from bot.moderation.explain import why
from bot.replies.sightings import unclaimed
from bot.responders import Chain
from bot.sandbox.control_client import ControlClient
from tests.attached.conftest import Connect, Running
from tests.waiting import eventually

LONG = "\n".join(f"line {number} of a text that takes more than one message" for number in range(60))


async def said(control: ControlClient, channel: int | str) -> list[tuple[str, str | None]]:
    """Return what the bot said in a channel, with the message that each is a reply to."""
    found = await control.messages(author="sandbox-bot", channel=str(channel))
    return [(each["content"], each["reference"]) for each in found]


async def test_replies_and_posts_are_sent_once_and_told_by_their_ids(connect: Connect, control: ControlClient) -> None:
    """Whole, in their order, also those of the same moment and the same text; the same key sends nothing more."""
    results: list[object] = []

    async def answer(message: discord.Message, log: Log) -> None:
        if message.content == "welcome me":
            posts = [
                log.reply(message, "welcome", key="welcome"),
                log.reply(message, "welcome", key="again"),
                log.send(message.channel, LONG, key="rules"),
                log.send(message.channel.id, "done", key="done"),
                log.send(message.channel.id, "done", key="done"),
            ]
            results.extend(await asyncio.gather(*posts))
            results.append(await log.reply(message, "something else", key="welcome"))

    running = await connect(begin=answer)
    asked = await control.post("welcome me")
    channel = int(asked["channel_id"])
    sent = await running.judge.expect(ReplySent, 5, channel)
    await eventually(lambda: len(results) == 6)

    there = await said(control, channel)
    assert [reference for _, reference in there] == [asked["id"], asked["id"], None, None, None]
    assert [there[0][0], there[1][0], there[4][0]] == ["welcome", "welcome", "done"]
    assert "\n".join([there[2][0], there[3][0]]) == LONG
    ids = [event.sent_id for event in sent]
    assert results == [[ids[0]], [ids[1]], ids[2:4], [ids[4]], [ids[4]], [ids[0]]]
    state = await running.log.state(channel)
    assert [(turn.role, turn.message_id) for turn in state.window][1:] == [(Role.BOT, sent_id) for sent_id in ids]
    assert not state.outbox
    assert len(await running.judge.of(MessageReceived)) == 1


async def test_a_post_is_explained_and_erased_as_an_answer_is(connect: Connect, control: ControlClient) -> None:
    """By the message that shows it; and with the message that it is a reply to."""
    running = await connect()
    asked = await control.post("hello")
    await running.judge.expect(MessageReceived)
    channel = int(asked["channel_id"])
    (sent_id,) = await running.log.reply(await first(running, asked["channel_id"], asked["id"]), "words", key="key")

    log = running.log.event_log
    context = reading_context(Config(log=LogSettings(path=log.location.folder)), log.reader, Chain((Nobody(),)))
    report = await why(context, channel, sent_id)
    assert "posted in 1 part" in report.title
    assert f"posted by code of the bot's process, in reply to {asked['id']}" in "\n".join(report.lines)

    assert [body.text for body in await running.judge.words(channel, ReplyComposed)] == ["words"]
    wanted = Wanted(message_ids=(int(asked["id"]),), answers=True, stream=stream_of(channel))
    await erase(log, wanted, ErasureReason.MODERATOR, record=running.log._parts.conversations.record)
    (composed,) = [each for each in await running.judge.all() if isinstance(each.event, ReplyComposed)]
    assert await log.reader.erased((composed.position,)) == {composed.position}


async def test_what_discord_refuses_is_told(connect: Connect, control: ControlClient) -> None:
    """A reference that is refused is left out; a post that is forbidden is given up, and its key posts nothing more."""
    running = await connect()
    asked = await control.post("hello")
    await running.judge.expect(MessageReceived)
    message = await first(running, asked["channel_id"], asked["id"])
    await control.set_permissions("general", deny=["read_message_history"])
    (sent_id,) = await running.log.reply(message, "plain", key="plain")
    assert await said(control, asked["channel_id"]) == [("plain", None)]
    assert [event.plain for event in await running.judge.of(ReplyDelayed)] == [True]

    await control.set_permissions("general", deny=["send_messages"])
    for _ in range(2):
        with pytest.raises(PostAbandoned, match="given up: forbidden") as caught:
            await running.log.send(message.channel, "forbidden", key="forbidden")
        assert caught.value.sent_ids == ()
    assert len(await running.judge.of(PostRequested)) == 2
    assert await running.log.reply(message, "other", key="plain") == [sent_id]


async def test_a_log_that_observes_sends_nothing(connect: Connect, control: ControlClient) -> None:
    """Its methods say so, and what a former run left unsent stays unsent."""
    running = await connect(observe=True)
    asked = await control.post("hello")
    await running.judge.expect(MessageReceived)
    for post in (running.log.send(int(asked["channel_id"]), "text", key="k"), running.log.send(1, "", key="")):
        with pytest.raises(ConfigError, match="observe=True"):
            await post
    assert await running.judge.of(PostRequested) == []
    assert await control.messages(author="sandbox-bot") == []


async def test_words_and_keys_have_to_be_there(connect: Connect) -> None:
    """Otherwise nothing is recorded."""
    running = await connect()
    for text, key in (("", "key"), ("   ", "key"), ("text", "")):
        with pytest.raises(ValueError, match=r"empty|without any text"):
            await running.log.send(1, text, key=key)
    assert await running.judge.of(PostRequested) == []


async def first(running: Running, channel: str, message: str) -> discord.Message:
    """Return a message as discord.py fetches it."""
    found = running.client.get_channel(int(channel))
    assert isinstance(found, discord.TextChannel)
    return await found.fetch_message(int(message))


async def test_what_the_bots_own_code_says_is_no_part_of_a_post(connect: Connect, control: ControlClient) -> None:
    """A look may show the same text: that of the code, that of another post, and that of the post itself."""

    async def say(message: discord.Message, log: Log) -> None:
        if message.content == "say":
            await message.channel.send("words")
            await log.send(message.channel, "words", key="other")

    running = await connect(begin=say)
    channel = int((await control.post("say"))["channel_id"])
    await running.judge.expect(MessageReceived, 2)
    (sent,) = await running.judge.expect(ReplySent)
    theirs = [int(each["id"]) for each in await control.messages(author="sandbox-bot")]
    assert sent.sent_id in theirs

    entry = Pending(theirs[0], 0, requested_at=0, cause_position=1, composed_position=1, sent_ids=(0,), posted=True)
    look = Look(tuple(Sighting(sent_id, None, "words") for sent_id in (*theirs, max(theirs) + 1)))
    found = await unclaimed(running.log.event_log.reader, channel, entry, ("words",), look)
    assert [seen.message_id for seen in found.sightings] == [max(theirs) + 1]
