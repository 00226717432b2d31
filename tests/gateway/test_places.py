from __future__ import annotations

import pytest

from bot.core.events import (
    DirectChannelOpened,
    MessageEdited,
    MessageReceived,
    MessageSkipped,
    ReplyRequested,
    SkipReason,
)
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Launch
from tests.waiting import eventually

ROOMS = ("general", "help", "thread", "elsewhere", "dm")
EVERYWHERE = frozenset(ROOMS)


@pytest.mark.parametrize(
    ("section", "named", "recorded", "answered"),
    [
        pytest.param("record", "help", {"help", "thread"}, {"help", "thread"}, id="record a channel and its threads"),
        pytest.param("record", "thread", {"thread"}, {"thread"}, id="record one thread"),
        pytest.param(
            "record", "Sandbox", {"general", "help", "thread"}, {"general", "help", "thread"}, id="record a server"
        ),
        pytest.param("record", "dm", {"dm"}, {"dm"}, id="record a private channel"),
        pytest.param(
            "ignore", "help", EVERYWHERE - {"help", "thread"}, EVERYWHERE - {"help", "thread"}, id="ignore a channel"
        ),
        pytest.param("ignore", "Sandbox", {"elsewhere", "dm"}, {"elsewhere", "dm"}, id="ignore a server"),
        pytest.param("answer", "help", EVERYWHERE, {"help", "thread"}, id="answer in a channel and its threads"),
        pytest.param("answer", "Sandbox", EVERYWHERE, {"general", "help", "thread"}, id="answer in a server"),
        pytest.param("no_answer", "thread", EVERYWHERE, EVERYWHERE - {"thread"}, id="be silent in a thread"),
        pytest.param("no_answer", "help", EVERYWHERE, EVERYWHERE - {"help", "thread"}, id="be silent in a channel"),
        pytest.param("no_answer", "Sandbox", EVERYWHERE, {"elsewhere", "dm"}, id="be silent in a server"),
    ],
)
async def test_where_it_records_and_where_it_answers(
    launch: Launch,
    control: ControlClient,
    sandbox: Sandbox,
    section: str,
    named: str,
    recorded: set[str],
    answered: set[str],
) -> None:
    """A name in the settings covers a channel, the threads of a channel, or all channels of a server."""
    help_channel = await control.create_channel("help")
    other = await control.create_guild("Elsewhere")
    ids = {
        "Sandbox": str(sandbox.services.guild.id),
        "general": str(sandbox.services.general.id),
        "help": help_channel["id"],
        "thread": (await control.create_thread("aside", channel=help_channel["id"]))["id"],
        "elsewhere": other["channel"]["id"],
        "dm": (await control.open_dm("alice"))["id"],
    }
    bot = await launch(channels={section: [int(ids[named])]})

    for room in ROOMS:
        await control.post(f"ask from {room}", channel=ids[room])
    await bot.judge.expect(MessageReceived, len(recorded))

    async def all_answered() -> bool:
        return len(await control.messages(author="sandbox-bot")) >= len(answered)

    await eventually(all_answered)
    replies = {message["content"].removeprefix("re: from ") for message in await control.messages(author="sandbox-bot")}
    assert replies == answered
    assert {room for room in ROOMS if await bot.judge.of(MessageReceived, ids[room])} == recorded
    for room in recorded - answered:
        [skipped] = await bot.judge.of(MessageSkipped, ids[room])
        assert skipped.reason is SkipReason.MUTED


async def test_nothing_of_an_ignored_channel_is_recorded(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """Neither edits nor deletions nor its end, nor what was missed in it."""
    room = await control.create_channel("secret")
    await control.post("before the bot came", channel=room["id"])
    bot = await launch(channels={"ignore": [int(room["id"])]})

    post = await control.post("a secret", channel=room["id"])
    await control.edit(post["id"], "another secret")
    await control.delete(post["id"])
    await control.delete_channel(room["id"])
    marker = await control.post("public")
    await control.edit(marker["id"], "in public")
    await bot.judge.expect(MessageEdited)

    assert await bot.judge.all(f"channel:{room['id']}") == []
    assert await control.requests(path=f"/channels/{room['id']}/messages") == []
    assert (await bot.judge.state(sandbox.services.general.id)).received == 1


async def test_a_server_that_is_yet_to_come_is_no_private_channel(launch: Launch, control: ControlClient) -> None:
    """Its messages may come before it does, and nobody in it wrote to the bot."""
    bot = await launch(replies={"answer": ["dm"]})
    author = {"id": "31", "username": "zoe", "discriminator": "0", "avatar": None}
    message = {"id": "1500000000000000000", "channel_id": "21", "guild_id": "11", "type": 0, "author": author}

    await control.gateway("dispatch", event="MESSAGE_CREATE", data={**message, "content": "ask somebody"})
    [event] = await bot.judge.expect(MessageReceived)

    assert event.guild_id == 11
    assert await bot.judge.of(ReplyRequested) == []
    assert await bot.judge.of(DirectChannelOpened) == []
