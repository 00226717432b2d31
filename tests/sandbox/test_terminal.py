"""The chat in a terminal, through a pseudo terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.sandbox.conftest import Socket
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]


class Screen:
    """What the person sees, and their keyboard."""

    def __init__(self, master: int) -> None:
        self._master = master
        self.text = ""
        self._more = asyncio.Event()

    def read(self) -> None:
        """Take what was printed."""
        with contextlib.suppress(OSError):
            self.text += re.sub(r"\x1b\[[0-9;?]*\w", "", os.read(self._master, 65536).decode(errors="replace"))
        self._more.set()

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._master, line.encode() + b"\n")

    async def shows(self, pattern: str) -> re.Match[str]:
        """Wait until something is on the screen."""
        async with asyncio.timeout(PATIENCE):
            while (found := re.search(pattern, self.text)) is None:
                self._more.clear()
                await self._more.wait()
        return found


class TerminalBot:
    """A bot that answers over plain REST."""

    def __init__(self, session: aiohttp.ClientSession, api: str, gateway: Socket, own_id: str) -> None:
        self.id = own_id
        self._session = session
        self._api = api
        self.gateway = gateway

    async def say(self, channel: str, **body: object) -> str:
        """Post a message; give its id."""
        headers = {"Authorization": "Bot sandbox.token.not-a-secret"}
        async with self._session.post(
            f"{self._api}/channels/{channel}/messages", json=body, headers=headers
        ) as response:
            return str((await response.json())["id"])

    async def send(self, method: str, path: str, body: object) -> None:
        """Make any call."""
        headers = {"Authorization": "Bot sandbox.token.not-a-secret"}
        async with self._session.request(method, self._api + path, json=body, headers=headers) as response:
            assert response.status < 300, await response.text()


@pytest.fixture
async def screen() -> AsyncIterator[Screen]:
    """Run a sandbox in a terminal."""
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "sandbox"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", "TERM": "xterm"},
    )
    os.close(slave)
    shown = Screen(master)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, shown.read)
    await shown.shows("Type to chat")
    yield shown
    shown.type("/quit")
    async with asyncio.timeout(PATIENCE):
        await process.wait()
    loop.remove_reader(master)
    os.close(master)
    assert process.returncode == 0
    assert "Traceback" not in shown.text


@pytest.fixture
async def bot(screen: Screen) -> AsyncIterator[TerminalBot]:
    """Connect a bot to it, as the printed lines say."""
    api = (await screen.shows(r"ECHOLESS_DISCORD__API_URL=(\S+)"))[1]
    gateway = (await screen.shows(r"ECHOLESS_DISCORD__GATEWAY_URL=(\S+)"))[1]
    async with aiohttp.ClientSession() as session, session.ws_connect(gateway) as websocket:
        socket = Socket(websocket)
        await socket.send(2, {"token": "sandbox.token.not-a-secret", "intents": 1 + 512 + 4096 + 32768})
        ready = await socket.expect("READY")
        await socket.expect("GUILD_CREATE")
        yield TerminalBot(session, api, socket, ready["user"]["id"])


async def test_lines_are_posted_and_answers_shown(screen: Screen, bot: TerminalBot) -> None:
    """A chat as somebody, in a channel, by reply, mention, edit and in private."""
    screen.type("hello [bold]bot[/bold]")
    first = await bot.gateway.expect("MESSAGE_CREATE")
    await bot.say(first["channel_id"], content="hello [red]alice[/red]")
    await screen.shows(r"sandbox-bot: hello \[red\]alice\[/red\]")
    screen.type("/reply thanks")
    await bot.gateway.expect("MESSAGE_CREATE")
    reply = await bot.gateway.expect("MESSAGE_CREATE")
    screen.type("/edit thank you")
    edited = await bot.gateway.expect("MESSAGE_UPDATE")
    screen.type("/as bob")
    screen.type("/channel help")
    screen.type("/mention are you there?")
    mention = await bot.gateway.expect("MESSAGE_CREATE")
    screen.type("/dm")
    screen.type("psst")
    private = await bot.gateway.expect("MESSAGE_CREATE")

    assert (first["content"], first["author"]["username"]) == ("hello [bold]bot[/bold]", "alice")
    assert (reply["content"], reply["referenced_message"]["content"]) == ("thanks", "hello [red]alice[/red]")
    assert edited["content"] == "thank you"
    assert mention["author"]["username"] == "bob"
    assert mention["mentions"][0]["username"] == "sandbox-bot"
    assert (private["content"], "guild_id" in private) == ("psst", False)


async def test_mistakes_are_told_and_help_is_given(screen: Screen) -> None:
    """Nothing that is typed ends the chat."""
    screen.type("/dance")
    await screen.shows("/dance is not a command here")
    screen.type("/reply hi")
    await screen.shows("has not said anything here yet")
    screen.type("/as")
    await screen.shows("Write /as NAME")
    screen.type("/use nothing")
    await screen.shows("The bot has no command 'nothing'")
    screen.type('/use "')
    await screen.shows("quotation")
    screen.type("x" * 4001)
    await screen.shows("1 to 4000 characters")
    screen.type("/help")
    await screen.shows("/channel NAME +go to a channel")


async def test_a_slash_command_shows_what_only_the_user_sees(screen: Screen, bot: TerminalBot) -> None:
    """/use fills in the options and waits for the answer."""
    option = {"type": 4, "name": "count", "description": "How many."}
    command = {"name": "log", "description": "The log.", "options": [option]}
    await bot.send("PUT", f"/applications/{bot.id}/commands", [command])
    screen.type("/use log count=3")
    interaction = await bot.gateway.expect("INTERACTION_CREATE")
    answer = {"type": 4, "data": {"content": "three events", "flags": 64}}
    await bot.send("POST", f"/interactions/{interaction['id']}/{interaction['token']}/callback", answer)

    await screen.shows(r"\(only you see this\) three events")
    assert interaction["data"]["options"] == [{"name": "count", "type": 4, "value": 3}]
