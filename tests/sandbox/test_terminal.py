"""The chat in a terminal of its own: a pseudo terminal, whose keys and screen are these tests'."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.sandbox.conftest import PATIENCE, Socket

ROOT = Path(__file__).parents[2]


class Screen:
    """What the person sees, and their keyboard."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._raw = ""
        self.text = ""
        self._seen = 0
        self._more = asyncio.Event()

    def read(self) -> None:
        """Take what was printed."""
        with contextlib.suppress(OSError):
            self._raw += os.read(self._master, 65536).decode(errors="replace")
            # An escape sequence may come in two pieces.
            self.text = re.sub(r"\x1b\[[0-9;?]*\w", "", self._raw)
        self._more.set()

    def type(self, line: str) -> None:
        """Type a line."""
        self.press(f"{line}\r")

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    async def shows(self, pattern: str) -> re.Match[str]:
        """Wait until something is on the screen, at what was waited for before or below it."""
        try:
            async with asyncio.timeout(PATIENCE):
                while (found := re.compile(pattern).search(self.text, self._seen)) is None:
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"{pattern!r} is not in what came last:\n{self.text[self._seen :]}") from None
        self._seen = found.start()
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


class Running:
    """The sandbox's process and its screen."""

    def __init__(self, process: asyncio.subprocess.Process, screen: Screen) -> None:
        self.process = process
        self.screen = screen

    async def ends(self) -> int | None:
        """Wait until it ends and give its exit code."""
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    """Run a sandbox in a terminal."""
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "sandbox"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=tmp_path,
        # This terminal does not say where its cursor is.
        env={**os.environ, "COLUMNS": "200", "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "PYTHONPATH": str(ROOT)},
    )
    os.close(slave)
    shown = Screen(master)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, shown.read)
    try:
        await shown.shows("alice #general>")
        yield Running(process, shown)
        if process.returncode is None:
            shown.press("\x03\x04")
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        loop.remove_reader(master)
        os.close(master)
    assert process.returncode == 0
    assert "Traceback" not in shown.text


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


@pytest.mark.parametrize("keys", ["\x03", "\x04", "/quit\r", "half\x03\x03"])
async def test_leaving(running: Running, keys: str) -> None:
    """Ctrl-C and Ctrl-D on an empty line leave, as /quit does."""
    running.screen.press(keys)

    assert await running.ends() == 0
    await running.screen.shows(r"Stopped\.")


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
    assert process.returncode == 0
