"""A command in a pseudo terminal: its keys, and what is on its screen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.waiting import PATIENCE

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


class Running:
    """A process and its screen."""

    def __init__(self, process: asyncio.subprocess.Process, screen: Screen) -> None:
        self.process = process
        self.screen = screen
        self.code = 0

    async def kill(self) -> None:
        """End it as a power loss would."""
        self.code = -signal.SIGKILL
        self.process.kill()
        await self.process.wait()

    async def ends(self) -> int | None:
        """Wait until it ends and give its exit code."""
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


@asynccontextmanager
async def terminal(folder: Path, *arguments: str, **environment: str) -> AsyncIterator[Running]:
    """Run ``echoless`` in a terminal, in a folder; at the end it is left by its keys."""
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=folder,
        # This terminal does not say where its cursor is.
        env={**os.environ, "COLUMNS": "200", "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "PYTHONPATH": str(ROOT)}
        | environment,
    )
    os.close(slave)
    shown = Screen(master)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, shown.read)
    running = Running(process, shown)
    try:
        yield running
        if process.returncode is None:
            shown.press("\x15\x04")
        await running.ends()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        loop.remove_reader(master)
        os.close(master)
    assert process.returncode in (running.code, 130), shown.text
    assert "Traceback" not in shown.text
