"""The chat in a terminal of its own: a pseudo terminal, whose keys and screen are these tests'."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.sandbox.conftest import Socket
from tests.sandbox.screen import ROOT, Running, Screen, terminal
from tests.waiting import PATIENCE

pytestmark = pytest.mark.long


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


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    """Run a sandbox in a terminal."""
    async with terminal(tmp_path, "sandbox", "--rate-limit", "off") as process:
        await process.screen.shows("alice #general>")
        yield process


@pytest.fixture
def screen(running: Running) -> Screen:
    """Return its screen."""
    return running.screen


@pytest.fixture
async def bot(screen: Screen) -> AsyncIterator[TerminalBot]:
    """Connect a bot to it, as the printed lines say."""
    (api,) = re.findall(r"ECHOLESS_DISCORD__API_URL=(\S+)", screen.text)
    (gateway,) = re.findall(r"ECHOLESS_DISCORD__GATEWAY_URL=(\S+)", screen.text)
    async with aiohttp.ClientSession() as session, session.ws_connect(gateway) as websocket:
        socket = Socket(websocket)
        await socket.send(2, {"token": "sandbox.token.not-a-secret", "intents": 1 + 512 + 4096 + 32768})
        ready = await socket.expect("READY")
        await socket.expect("GUILD_CREATE")
        yield TerminalBot(session, api, socket, ready["user"]["id"])


async def test_lines_are_posted_and_answers_shown(screen: Screen, bot: TerminalBot) -> None:
    """A chat as somebody, in a channel, by reply, mention, edit and in private."""
    await screen.shows("sandbox-bot is here: start a line with its name")
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
    screen.type("sandbox-bot, are you there?")
    mention = await bot.gateway.expect("MESSAGE_CREATE")
    screen.type("/dm")
    screen.type("psst")
    private = await bot.gateway.expect("MESSAGE_CREATE")

    assert (first["content"], first["author"]["username"]) == ("hello [bold]bot[/bold]", "alice")
    assert (reply["content"], reply["referenced_message"]["content"]) == ("thanks", "hello [red]alice[/red]")
    assert edited["content"] == "thank you"
    assert (mention["author"]["username"], mention["content"]) == ("bob", f"<@{bot.id}> are you there?")
    assert mention["mentions"][0]["username"] == "sandbox-bot"
    assert (private["content"], "guild_id" in private) == ("psst", False)


async def test_a_message_never_tears_a_half_typed_line(screen: Screen, bot: TerminalBot) -> None:
    """It is printed above, the line is drawn anew, and what is typed goes on where it was."""
    screen.press("half a ")
    await screen.shows("general> half a")
    screen.type("")
    first = await bot.gateway.expect("MESSAGE_CREATE")
    screen.press("another ha")
    await screen.shows("another ha")
    await bot.say(first["channel_id"], content="I interrupt")
    await screen.shows(r"sandbox-bot: I interrupt\s+alice #general> another ha")
    screen.type("lf")

    assert (await bot.gateway.expect("MESSAGE_CREATE"))["content"] == "I interrupt"
    assert (await bot.gateway.expect("MESSAGE_CREATE"))["content"] == "another half"


async def test_no_key_is_lost_while_something_is_printed(screen: Screen, bot: TerminalBot) -> None:
    """Ctrl-C, too, which means something else to a terminal that is not the chat's at that moment."""
    screen.type("hello")
    first = await bot.gateway.expect("MESSAGE_CREATE")
    lines = [f"line {number}" for number in range(60)]
    for line in lines:
        screen.press(f"no \x03{line}\r")
        await bot.say(first["channel_id"], content="I interrupt")
    posted = []
    while lines[-1] not in posted:
        message = await bot.gateway.expect("MESSAGE_CREATE")
        posted += [] if message["author"].get("bot") else [message["content"]]

    assert posted == lines


async def test_keys_edit_the_line(screen: Screen, bot: TerminalBot) -> None:
    """Arrows bring back what was typed and move in it, Tab completes, Ctrl-C clears a half-typed line."""
    screen.type("one two")
    screen.press("this is cleared")
    await screen.shows("> this is cleared")
    screen.press("\x03!")
    await screen.shows("!$")
    screen.press("\x7f\x1b[A")
    await screen.shows("one two$")
    screen.type("\x1b[D\x1b[D\x1b[Dand ")
    screen.press("sandb\t")
    await screen.shows("sandbox-bot,")
    screen.type("is it you?")
    posted = [(await bot.gateway.expect("MESSAGE_CREATE"))["content"] for _ in range(3)]

    assert posted == ["one two", "one and two", f"<@{bot.id}> is it you?"]


@pytest.mark.parametrize(("keys", "code"), [("\x03", 130), ("\x04", 0), ("/quit\r", 0), ("half\x03\x03", 130)])
async def test_leaving(running: Running, keys: str, code: int) -> None:
    """Ctrl-C and Ctrl-D on an empty line leave, as /quit does."""
    running.screen.press(keys)

    assert await running.ends() == code
    await running.screen.shows(r"Stopped\.")


async def test_a_terminal_need_not_know_every_character(tmp_path: Path) -> None:
    """What its encoding does not have is spelled out, and the chat goes on."""
    async with terminal(tmp_path, "sandbox", PYTHONIOENCODING="ascii") as running:
        await running.screen.shows("alice #general>")
        running.screen.type("x" * 50)
        running.screen.type("/delete")
        await running.screen.shows(r'Deleted: "x+\\u2026"')


async def test_a_signal_ends_it_in_good_order(running: Running) -> None:
    """The terminal is as it was."""
    running.process.send_signal(signal.SIGTERM)

    assert await running.ends() == 0
    await running.screen.shows(r"Stopped\.")


async def test_without_a_terminal_it_serves() -> None:
    """Input from a pipe is no chat."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "sandbox"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"hello\n")
    process.stdin.close()
    try:
        async with asyncio.timeout(PATIENCE):
            await process.stdout.readuntil(b"Serving until Ctrl-C.")
            process.send_signal(signal.SIGINT)
            rest = await process.stdout.read()
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert b"Stopped." in rest
    assert process.returncode == 130
