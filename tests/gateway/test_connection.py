from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import discord
import pytest
from discord.gateway import KeepAliveHandler

from bot.app.running import run_bot
from bot.core.events import (
    BotStarted,
    BotStopped,
    GatewayLost,
    GatewayReady,
    GatewayResumed,
    MessageReceived,
    ReplyRequested,
    ReplySent,
)
from bot.errors import IntentError, TokenError
from bot.eventlog.location import Location
from bot.gateway import pacing
from bot.gateway.connecting import ReconnectingClient
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Launch, RunningBot, judging, settings
from tests.waiting import PATIENCE, eventually


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less between one connection and the next."""
    monkeypatch.setattr(pacing, "LONGEST_PAUSE", 0.2)


async def test_a_stop_while_it_connects_leaves_no_connection(
    launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the websocket nor its thread, which would speak to a loop that is gone."""
    connecting = asyncio.Event()

    async def wait(_client: discord.Client, _shard: int | None, *, initial: bool = False) -> None:
        del initial
        connecting.set()
        await asyncio.Event().wait()

    bot = await launch()
    monkeypatch.setattr(ReconnectingClient, "before_identify_hook", wait)
    await control.gateway("drop", invalidate=True)
    await connecting.wait()
    threads = [thread for thread in threading.enumerate() if isinstance(thread, KeepAliveHandler)]

    await bot.stop()

    assert [thread.ws.socket.closed for thread in threads] == [True] * len(threads)
    assert [thread._stop_ev.is_set() for thread in threads] == [True] * len(threads)
    assert threads


async def run(sandbox: Sandbox, folder: Path, token: str) -> None:
    """Run a bot as ``echoless run`` does, until it ends by itself."""
    async with asyncio.timeout(PATIENCE):
        await run_bot(settings(sandbox, folder, {}), token, Location(folder), asyncio.Event())


async def taken(bot: RunningBot, ids: list[str]) -> list[int]:
    """Wait until messages are recorded and answered, and return the order in which they were recorded."""
    await bot.judge.expect(MessageReceived, len(ids))
    await bot.judge.expect(ReplySent, len(ids))
    return [event.message_id for event in await bot.judge.of(MessageReceived)]


async def said(control: ControlClient) -> list[str]:
    """Return what the bot said, oldest first."""
    return [message["content"] for message in await control.messages(author="sandbox-bot")]


@pytest.mark.parametrize(
    ("action", "body"),
    [
        pytest.param("drop", {}, id="the line is cut"),
        pytest.param("drop", {"code": 4000}, id="closed with 4000"),
        pytest.param("drop", {"code": 1001}, id="the server goes away"),
        pytest.param("reconnect", {}, id="asked to reconnect"),
        pytest.param("invalid-session", {"resumable": True}, id="asked to resume"),
    ],
)
async def test_a_resumed_session_brings_what_was_missed(
    launch: Launch, control: ControlClient, action: str, body: dict[str, object]
) -> None:
    """In order, once, without a look into the history; both ends of the break are recorded."""
    bot = await launch()
    ids = [(await control.post("ask 0"))["id"]]
    await taken(bot, ids)
    seen = len(await control.requests())

    await control.gateway(action, **body)
    ids += await control.post_many([{"content": f"ask {number}"} for number in range(1, 6)])

    assert await taken(bot, ids) == [int(each) for each in ids]
    await bot.judge.expect(GatewayResumed)
    assert await said(control) == [f"re: {number}" for number in range(6)]
    assert len(await bot.judge.of(GatewayLost)) == 1
    assert len(await bot.judge.of(GatewayReady)) == 1
    history = await control.requests(method="GET", path="/channels/*/messages", after=seen)
    assert history == []


async def test_a_new_session_fetches_what_was_missed(launch: Launch, control: ControlClient) -> None:
    """Discord replays nothing then: the history fills the gap, and what comes live meanwhile is not doubled."""
    bot = await launch()
    ids = [(await control.post("ask 0"))["id"]]
    await taken(bot, ids)

    await control.gateway("invalid-session", resumable=False)
    ids += await control.post_many([{"content": f"ask {number}"} for number in range(1, 4)])
    await control.wait_for_ready(identifies=2)
    ids += await control.post_many([{"content": f"ask {number}"} for number in range(4, 6)])

    assert sorted(await taken(bot, ids)) == [int(each) for each in ids]
    await bot.judge.expect(GatewayReady, 2)
    assert sorted(await said(control)) == [f"re: {number}" for number in range(6)]
    assert len(await bot.judge.of(ReplyRequested)) == 6


async def test_a_start_that_cannot_be_parsed_loses_nothing(launch: Launch, control: ControlClient) -> None:
    """It kills discord.py's client (docs/discord-facts.md, 1.2): a new one takes over and reads what was missed."""
    bot = await launch()
    ids = [(await control.post("ask 0"))["id"]]
    await taken(bot, ids)

    await control.gateway("dispatch", event="READY", data={})
    await control.wait_for_sessions(0)
    ids += await control.post_many([{"content": f"ask {number}"} for number in range(1, 4)])

    assert await taken(bot, ids) == [int(each) for each in ids]
    assert await said(control) == [f"re: {number}" for number in range(4)]


async def test_discord_may_be_away_when_the_bot_starts(launch: Launch, control: ControlClient) -> None:
    """The first connection is refused; it comes up once Discord does."""
    await control.outage(0.5)
    bot = await launch(ready=False)
    post = await control.post("ask me")

    assert await taken(bot, [post["id"]]) == [int(post["id"])]
    assert await said(control) == ["re: me"]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Reserve a port on which nobody listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


async def test_a_gateway_that_refuses_is_tried_again(launch: Launch, control: ControlClient, closed_port: int) -> None:
    """The REST side works, the gateway does not: it is asked before each try whether another session may begin."""
    bot = await launch(ready=False, discord={"gateway_url": f"ws://127.0.0.1:{closed_port}/"})

    await control.wait_for_requests(2, path="/gateway/bot")

    assert not bot.serving.done()
    assert not bot.connected


async def test_a_wrong_token_is_refused_before_anything_is_made(sandbox: Sandbox, tmp_path: Path) -> None:
    """Not even a folder is left behind."""
    with pytest.raises(TokenError, match="refuses the token"):
        await run(sandbox, tmp_path / "log", "wrong.token")

    assert not (tmp_path / "log").exists()


async def test_a_token_revoked_while_running_ends_the_bot(launch: Launch, control: ControlClient) -> None:
    """No new client can help; a person has to."""
    bot = await launch()

    await control.change_settings(token="another.token")
    await control.gateway("drop", invalidate=True)
    with pytest.raises(TokenError):
        await bot.serving

    bot.stopped = True
    await bot.bot.log.close()


async def test_a_refused_intent_says_so_and_the_log_tells_of_the_attempt(
    sandbox: Sandbox, control: ControlClient, tmp_path: Path
) -> None:
    """Which only shows once the gateway is asked."""
    await control.change_settings(denied_intents=["message_content"])

    with pytest.raises(IntentError, match="message content intent"):
        await run(sandbox, tmp_path / "log", sandbox.services.application.token)

    async with judging(tmp_path / "log") as judge:
        assert [type(each.event) for each in await judge.all()] == [BotStarted, BotStopped]
        assert [event.reason for event in await judge.of(BotStopped)] == ["error"]


async def test_it_answers_again_after_an_outage(launch: Launch, control: ControlClient) -> None:
    """Both sides of Discord away for a while, with a question asked meanwhile."""
    bot = await launch()
    ids = [(await control.post("ask 0"))["id"]]
    await taken(bot, ids)

    await control.outage(0.4)
    await eventually(lambda: not bot.connected)
    ids.append((await control.post("ask 1"))["id"])

    assert await taken(bot, ids) == [int(each) for each in ids]
    assert await said(control) == ["re: 0", "re: 1"]
