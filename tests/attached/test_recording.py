from __future__ import annotations

from pathlib import Path
from typing import Any

import discord
import pytest
from discord.ext import commands

from bot import attach
from bot.consumers.consumer import Batch, Consumer
from bot.core.events import Author, CatchupCompleted, MessageDeleted, MessageEdited, MessageReceived, Role, Via
from bot.errors import ConfigError, LogClosed, LogLocked, OwnEventError
from bot.sandbox.control_client import ControlClient
from tests.attached.conftest import Connect, Running, made
from tests.waiting import eventually

SELDOM = [pytest.param(kind, marks=pytest.mark.long) for kind in (commands.Bot, discord.AutoShardedClient)]
KINDS = [discord.Client, commands.AutoShardedBot, *SELDOM]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_client_sees_is_recorded(
    connect: Connect, control: ControlClient, kind: type[discord.Client]
) -> None:
    """Live, edited, deleted; what its own code says is the bot's; its handlers are called as ever."""
    await control.post("before")

    async def echo(message: discord.Message, _log: object) -> None:
        if message.content == "say":
            sent = await message.channel.send("said")
            await sent.edit(content="said better")
            await message.reply("replied")

    shards = {"shard_count": 2} if kind is commands.AutoShardedBot else {}
    running = await connect(made(kind, **shards), begin=echo)
    await control.post("hello")
    said = await control.post("say")
    channel = int(said["channel_id"])
    received = await running.judge.expect(MessageReceived, 5, channel)
    words = [each.text for each in await running.judge.words(channel, MessageReceived)]
    await control.edit(said["id"], "say it")
    await running.judge.expect(MessageEdited, 2)
    edits = await running.judge.words(channel, MessageEdited)
    assert [each.text for each in edits] == ["said better", "say it"]
    await control.delete(said["id"])
    await running.judge.expect(MessageDeleted)

    assert words == ["before", "hello", "say", "said", "replied"]
    assert [each.via for each in received] == [Via.CATCHUP, *[Via.LIVE] * 4]
    assert [each.author for each in received[3:]] == [Author.SELF] * 2
    state = await running.log.state(channel)
    assert [turn.role for turn in state.window] == [Role.PERSON] * 2 + [Role.BOT] * 2
    await eventually(lambda: running.seen == ["hello", "say", "said", "replied"])
    assert len(await running.judge.of(CatchupCompleted)) == 1


async def test_what_comes_at_once_is_recorded_in_its_order(connect: Connect, control: ControlClient) -> None:
    """Messages, a deletion between them, one that discord.py can't parse; also where the log is closed at once."""
    running = await connect()
    first = await control.post("first")
    await running.judge.expect(MessageReceived)
    client, channel = running.client, running_channel(running)
    live = {**await client.http.get_message(channel, int(first["id"])), "guild_id": str(client.guilds[0].id)}
    frames: list[dict[str, Any]] = [{**live, "id": str(int(first["id"]) + number)} for number in range(1, 5)]
    frames[2]["mentions"] = [{"id": "no number"}]
    # A message that replies to one of the bot's is taken as discord.py's object.
    frames[3]["referenced_message"] = {**live, "member": {}}
    ids = [int(frame["id"]) for frame in frames]
    parsers = client._connection.parsers
    parsers["MESSAGE_CREATE"](frames[0])
    parsers["MESSAGE_DELETE"](frames[0])
    parsers["MESSAGE_CREATE"](frames[1])
    with pytest.raises(ValueError, match="no number"):
        parsers["MESSAGE_CREATE"](frames[2])
    parsers["MESSAGE_CREATE"](frames[3])
    await running.log.close()
    assert getattr(client.get_channel(channel), "last_message_id", None) == ids[3]

    running.logs.append(await attach(client, running.log.event_log.location.folder))
    told = [each.recorded.event async for each in running.log.events(channel, types=(MessageReceived, MessageDeleted))]
    assert [(type(each), each.about()) for each in told][1:] == [
        *((MessageReceived, ids[0]), (MessageDeleted, ids[0]), (MessageReceived, ids[1]), (MessageReceived, ids[3]))
    ]


async def test_what_is_recorded_can_be_read_and_followed(connect: Connect, control: ControlClient) -> None:
    """By channel or in all, from a position on, with words where they are wanted; and by consumers."""

    class Seen(Consumer):
        name = "seen"
        rebuild = "in memory"

        def __init__(self) -> None:
            self.seen: list[str] = []

        async def handle(self, batch: Batch) -> None:
            self.seen += [recorded.event.TYPE for recorded in batch.events]

    running, follower = await connect(), Seen()
    log = running.log
    await log.consumer(follower)
    with pytest.raises(ConfigError, match="another name"):
        await log.consumer(Seen())
    channel = int((await control.post("one"))["channel_id"])
    await control.post("two")
    await running.judge.expect(MessageReceived, 2)

    found = [told async for told in log.events(channel, types=(MessageReceived,), words=True)]
    assert [told.words.text for told in found if told.words] == ["one", "two"]
    later = [told async for told in log.events(after=found[0].recorded.position)]
    assert [told.words for told in later] == [None] * len(later)
    assert found[1].recorded in [told.recorded for told in later]
    await eventually(lambda: follower.seen.count(MessageReceived.TYPE) == 2)


async def test_a_log_that_is_closed_says_so_and_leaves_the_client_as_it_was(
    connect: Connect, control: ControlClient
) -> None:
    """The client goes on without it, may be given another, and closes its log along with itself."""
    client = made()
    names = {"dispatch", "close", "_schedule_event", "_echoless"}
    running = await connect(client, redeliver=True)
    with pytest.raises(ConfigError, match="attached to this client already"):
        await attach(client, "other")
    assert names <= vars(client).keys()
    await running.log.close()
    await running.log.close()
    assert not names & vars(client).keys()
    with pytest.raises(LogClosed):
        await running.log.send(1, "text", key="key")
    await control.post("unrecorded")
    await eventually(lambda: running.seen == ["unrecorded"])

    running.logs.append(await attach(client, running.log.event_log.location.folder))
    await control.post("recorded")
    await running.judge.expect(MessageReceived, 2)
    words = await running.judge.words(running_channel(running), MessageReceived)
    assert sorted(each.text for each in words) == ["recorded", "unrecorded"]


def running_channel(running: Running) -> int:
    """Return the only channel of a client."""
    (channel,) = [each for each in running.client.get_all_channels() if isinstance(each, discord.TextChannel)]
    return channel.id


async def test_clients_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """Before anything is opened, or with everything closed again."""
    closed = made()
    await closed.close()
    deaf = discord.Client(intents=discord.Intents(guilds=True))
    for client, told in ((closed, "closed"), (deaf, "guild_messages"), (object(), "object")):
        with pytest.raises(ConfigError, match=told):
            await attach(client, tmp_path / "log")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="observe=True"):
        await attach(made(), tmp_path / "log", observe=True, redeliver=True)
    with pytest.raises(OwnEventError, match="no class below"):
        await attach(made(), tmp_path / "log", events=(MessageReceived,))  # type: ignore[arg-type]
    first = await attach(made(), tmp_path / "log")
    with pytest.raises(LogLocked):
        await attach(made(), tmp_path / "log")
    await first.close()


async def test_what_a_client_does_not_see_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Words are missing in the log without their intent. Lines go where the process's own go."""
    log = await attach(discord.Client(intents=discord.Intents.default()), tmp_path / "log")
    await log.close()
    told = [line for line in caplog.records if "attached.intents" in line.getMessage()]
    assert [(line.name, line.levelname) for line in told] == [("bot.gateway.attached", "WARNING")]
