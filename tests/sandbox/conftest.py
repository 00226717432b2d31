"""Unmodified discord.py, and a plain HTTP client, against a sandbox in the same process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.waiting import PATIENCE

with warnings.catch_warnings():
    # discord.py imports audioop, which Python 3.13 leaves out and 3.11 warns about.
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord

    from tests.pointing import pointed_at

SHARED = Path(__file__).parents[2] / ".." / "shared"


@pytest.fixture
def options() -> SandboxOptions:
    """Give the sandbox's settings; a test module may override them."""
    return SandboxOptions()


@pytest.fixture
async def sandbox(options: SandboxOptions) -> AsyncIterator[Sandbox]:
    """Run a sandbox on free ports."""
    async with Sandbox(options) as running:
        yield running


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[ControlClient]:
    """Open a client for its control API."""
    async with ControlClient(sandbox.services.addresses.control) as client:
        yield client


class Bot(discord.Client):
    """A discord.py client that notes what reaches it."""

    def __init__(self, intents: discord.Intents) -> None:
        super().__init__(intents=intents, guild_ready_timeout=0.1)
        self.seen: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.tree = discord.app_commands.CommandTree(self)
        self.running: asyncio.Task[None] | None = None

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Do not wait five seconds before identifying again."""

    def dispatch(self, event: str, /, *args: object, **kwargs: object) -> None:
        """Note the event, then do what the client does, unless it is closed: its wait for servers outlives that."""
        if self.is_closed():
            return
        super().dispatch(event, *args, **kwargs)
        self.seen.put_nowait((event, args[0] if args else None))

    async def expect(self, event: str) -> Any:  # noqa: ANN401 - what the event carries
        """Wait for an event and give its first argument."""
        async with asyncio.timeout(PATIENCE):
            while True:
                name, value = await self.seen.get()
                if name == event:
                    return value

    def count(self, event: str) -> int:
        """Count events that wait to be looked at, and drop them."""
        found = 0
        while not self.seen.empty():
            found += self.seen.get_nowait()[0] == event
        return found


StartBot = Callable[..., Awaitable[Bot]]


def all_messages() -> discord.Intents:
    """List the intents that a chat bot asks for."""
    intents = discord.Intents.default()
    intents.message_content = True
    return intents


@pytest.fixture
async def start_bot(sandbox: Sandbox) -> AsyncIterator[StartBot]:
    """Start discord.py clients and wait until they are ready; they end with the test."""
    bots: list[Bot] = []

    async def start(intents: discord.Intents | None = None, *, ready: bool = True) -> Bot:
        bot = Bot(intents or all_messages())
        bots.append(bot)
        bot.running = asyncio.create_task(bot.start(sandbox.services.application.token))
        if ready:
            await bot.expect("ready")
        return bot

    with pointed_at(sandbox):
        yield start
        for bot in bots:
            await bot.close()
            if bot.running is not None:
                bot.running.cancel()
                await asyncio.gather(bot.running, return_exceptions=True)


@dataclass
class Answer:
    """An HTTP answer, read."""

    status: int
    headers: Any
    body: Any


@dataclass
class Rest:
    """A plain client of the REST API that sends whatever a test wants."""

    base: str
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    async def __call__(self, method: str, path: str, body: object = None, **more: Any) -> Answer:  # noqa: ANN401 - aiohttp's
        """Make a request with the token, unless other headers come along."""
        headers = {**self.headers, **more.pop("headers", {})}
        if body is not None:
            more["json"] = body
        async with self.session.request(method, self.base + path, headers=headers, **more) as response:
            text = await response.read()
            is_json = response.headers.get("Content-Type") == "application/json"
            return Answer(response.status, response.headers, json.loads(text) if is_json and text else text)


@pytest.fixture
async def rest(sandbox: Sandbox) -> AsyncIterator[Rest]:
    """Speak the bot's REST API plainly."""
    token = sandbox.services.application.token
    async with aiohttp.ClientSession() as session:
        yield Rest(sandbox.services.addresses.api, session, {"Authorization": f"Bot {token}"})


@pytest.fixture
def messages_path(sandbox: Sandbox) -> str:
    """Give the path of the messages of #general."""
    return f"/channels/{sandbox.services.general.id}/messages"


class Socket:
    """A plain gateway client."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self.websocket = websocket

    async def send(self, operation: int, data: object) -> None:
        """Send a gateway command."""
        await self.websocket.send_json({"op": operation, "d": data})

    async def receive(self) -> dict[str, Any]:
        """Receive a payload."""
        async with asyncio.timeout(PATIENCE):
            message = await self.websocket.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        payload: dict[str, Any] = json.loads(message.data)
        return payload

    async def closed(self) -> int | None:
        """Read until the server closes; give the code."""
        async with asyncio.timeout(PATIENCE):
            while (await self.websocket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        return self.websocket.close_code

    async def expect(self, event: str) -> Any:  # noqa: ANN401 - JSON
        """Read until an event comes; give what it carries."""
        while (payload := await self.receive()).get("t") != event:
            pass
        return payload["d"]


Connect = Callable[..., Awaitable[Socket]]


@pytest.fixture
async def connect(sandbox: Sandbox) -> AsyncIterator[Connect]:
    """Open plain gateway connections, past HELLO; with intents given they identify too."""
    async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:

        async def open_socket(
            *, intents: int | None = None, query: str = "?v=10&encoding=json", hello: bool = True
        ) -> Socket:
            websocket = await session.ws_connect(sandbox.services.addresses.gateway + query, max_msg_size=0)
            # aiohttp keeps the connection of a websocket that broke.
            stack.callback(websocket._response.close)
            socket = Socket(websocket)
            if hello:
                assert (await socket.receive())["op"] == 10
            if intents is not None:
                token = sandbox.services.application.token
                await socket.send(2, {"token": token, "intents": intents, "properties": {}})
            return socket

        yield open_socket
