from __future__ import annotations

import discord
import pytest
from discord.ext import commands

from bot.core.events import Author, CatchupCompleted, MessageDeleted, MessageEdited, MessageReceived, Role, Via
from bot.sandbox.control_client import ControlClient
from tests.attached.conftest import Connect, made
from tests.waiting import eventually

KINDS = [discord.Client, commands.Bot, discord.AutoShardedClient, commands.AutoShardedBot]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_client_sees_is_recorded(
    connect: Connect, control: ControlClient, kind: type[discord.Client]
) -> None:
    """Live, edited, deleted; what its own code says is the bot's; its handlers are called as ever."""
    await control.post("before")

    async def echo(message: discord.Message, _log: object) -> None:
        if message.content == "say":
            await message.channel.send("said")
            await message.reply("replied")

    running = await connect(made(kind), begin=echo)
    await control.post("hello")
    said = await control.post("say")
    channel = int(said["channel_id"])
    received = await running.judge.expect(MessageReceived, 5, channel)
    words = [each.text for each in await running.judge.words(channel, MessageReceived)]
    await control.edit(said["id"], "say it")
    await running.judge.expect(MessageEdited)
    await control.delete(said["id"])
    await running.judge.expect(MessageDeleted)

    assert words == ["before", "hello", "say", "said", "replied"]
    assert [each.via for each in received] == [Via.CATCHUP, *[Via.LIVE] * 4]
    assert [each.author for each in received[3:]] == [Author.SELF] * 2
    state = await running.log.state(channel)
    assert [turn.role for turn in state.window] == [Role.PERSON] * 2 + [Role.BOT] * 2
    await eventually(lambda: running.seen == ["hello", "say", "said", "replied"])
    assert len(await running.judge.of(CatchupCompleted)) == 1
