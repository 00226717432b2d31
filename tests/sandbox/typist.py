"""A person at the chat's keyboard, in this process: real keys through a pipe, and what was printed."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from bot.sandbox.chat.terminal import Chat
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.waiting import PATIENCE

ABSENT = "No bot is connected yet."


class _Paper(io.StringIO):
    """What is printed, and an event for whoever waits for more of it."""

    def __init__(self) -> None:
        super().__init__()
        self.more = asyncio.Event()
        self.torn = False

    def write(self, text: str) -> int:
        """Print."""
        if self.torn:
            raise OSError("torn")
        self.more.set()
        return super().write(text)


class Typist:
    """Types lines and reads what comes after what was read before."""

    def __init__(self, keys: PipeInput, paper: _Paper) -> None:
        self._keys = keys
        self._paper = paper
        self._read = 0

    @property
    def printed(self) -> str:
        """Return all that was printed."""
        return self._paper.getvalue()

    def press(self, keys: str) -> None:
        """Press keys as a terminal sends them."""
        self._keys.send_text(keys)

    def type(self, line: str) -> None:
        """Type a line."""
        self.press(f"{line}\r")

    def tear(self) -> None:
        """Let nothing be printed any more."""
        self._paper.torn = True

    async def sees(self, pattern: str) -> re.Match[str]:
        """Wait until something is printed that was not read before."""
        try:
            async with asyncio.timeout(PATIENCE):
                while (found := re.compile(pattern).search(self.printed, self._read)) is None:
                    self._paper.more.clear()
                    await self._paper.more.wait()
        except TimeoutError:
            raise AssertionError(f"{pattern!r} is not in what came last:\n{self.printed[self._read :]}") from None
        self._read = found.end()
        return found


@asynccontextmanager
async def chatting(sandbox: Sandbox, control: ControlClient) -> AsyncIterator[tuple[Typist, asyncio.Task[None]]]:
    """Run a chat over a sandbox; give the person who types in it, and the task that ends when they leave."""
    paper = _Paper()
    with create_pipe_input() as keys:

        async def chat() -> None:
            with create_app_session(input=keys, output=DummyOutput()):
                console = Console(file=paper, width=200, color_system=None)
                await Chat(sandbox.services, control, console, ABSENT).run()

        running = asyncio.create_task(chat())
        try:
            yield Typist(keys, paper), running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
