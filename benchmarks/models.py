"""A model's server as a process of its own, killed and started again at the same address."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.sandbox.child_process import tethered

_ROOT = Path(__file__).parents[1]


class ModelProcess:
    """Serves the tests' model; ``url`` is the base address for clients, the same after each start."""

    def __init__(self) -> None:
        self.url = ""
        self._port = 0
        self._process: Process | None = None

    async def start(self, *, rate: float, length: int, fault: str = "") -> None:
        """Serve ``rate`` tokens a second, ``length`` of them an answer, or a ``fault``; return once it listens."""
        values = {"--port": self._port, "--rate": rate, "--length": length} | ({"--fault": fault} if fault else {})
        options = [str(each) for pair in values.items() for each in pair]
        command = tethered(sys.executable, "-m", "tests.responders.llm.model_server", *options)
        self._process = await asyncio.create_subprocess_exec(*command, cwd=_ROOT, stdout=PIPE)
        if self._process.stdout is None or not (line := await self._process.stdout.readline()):
            raise RuntimeError("The model's server did not start.")
        self.url = line.decode().strip()
        self._port = int(self.url.rpartition(":")[2].partition("/")[0])

    async def kill(self) -> None:
        """Send SIGKILL, if it serves: connections break off, and new ones are refused."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def model_process(*, rate: float, length: int) -> AsyncIterator[ModelProcess]:
    """Serve while the context lasts."""
    model = ModelProcess()
    try:
        await model.start(rate=rate, length=length)
        yield model
    finally:
        await model.kill()
