"""A bot process that is started again whenever it is killed, and places at which it is to be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.process import SandboxProcess

ROOT = Path(__file__).parents[2]
LONG = "\n\n".join(f"Part of the answer, number {number}. " + "It goes on for a while. " * 30 for number in range(6))
SETTINGS = """
[discord]
api_url = "{api}"
gateway_url = "{gateway}"
[log]
path = "data"
[replies]
send_timeout = "2s"
[limits]
per_channel = "off"
per_person = "off"
[telemetry]
port = 0
log_level = "error"
[[rules]]
match = '!(?P<word>[a-z]+)'
facts = "facts.json"
reply = "{{fact}}"
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the outside world is touched: ``kind`` commit or request, the ``number``-th of a life, before or after."""

    life: int
    kind: str
    number: int
    when: str

    def __str__(self) -> str:
        return f"{self.kind} {self.number} of life {self.life}, {self.when}"


@dataclass(frozen=True, slots=True)
class Touches:
    """How often one life of the bot committed and asked Discord."""

    commits: int
    requests: int

    def places(self, life: int) -> list[Place]:
        """Return every place of that life."""
        kinds = (("commit", self.commits), ("request", self.requests))
        return [
            Place(life, kind, number, when)
            for kind, numbers in kinds
            for number in range(1, numbers + 1)
            for when in ("before", "after")
        ]


class Lives:
    """Starts the bot, kills it at the places given, and starts it again."""

    def __init__(self, folder: Path, sandbox: SandboxProcess, places: Sequence[Place]) -> None:
        self.folder = folder
        self.touches: list[Touches] = []
        self.kills = 0
        self._sandbox = sandbox
        self._places = {place.life: place for place in places}
        self._life = -1
        self._seen = 0
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it, and keep it alive until :meth:`stop`."""
        settings = SETTINGS.format(api=self._sandbox.api_url, gateway=self._sandbox.gateway_url)
        (self.folder / "config.toml").write_text(settings, encoding="utf-8")
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Stop it by SIGTERM; where it is killed meanwhile, leave it dead."""
        if self._keeper is not None:
            self._keeper.cancel()
        process = self._process
        if process is not None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            await self._ended(process)

    async def _spawn(self) -> None:
        self._life += 1
        place = self._places.get(self._life)
        doom = [str(place.number), place.when] if place and place.kind == "commit" else []
        environ = {**os.environ, "DISCORD_TOKEN": self._sandbox.token, "PYTHONPATH": str(ROOT)}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.crashpoints.doomed_bot",
            str(self.folder / "config.toml"), str(self.folder / "tally"), *doom,
            cwd=ROOT, env=environ, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        if place is not None and place.kind == "request":
            pid = self._process.pid
            await self._sandbox.control.add_fault("kill", when=place.when, nth=place.number, pid=pid)

    async def _keep(self) -> None:
        while self._process is not None:
            await self._ended(self._process)
            await self._spawn()

    async def _ended(self, process: asyncio.subprocess.Process) -> None:
        """Wait for the end of a life and count what it touched."""
        code = await process.wait()
        killed = code == -signal.SIGKILL
        self.kills += killed
        tally = self.folder / "tally"
        commits = int(tally.read_text(encoding="ascii")) if not killed and tally.exists() else 0
        requests = len(await self._sandbox.control.requests())
        self.touches.append(Touches(commits, requests - self._seen))
        self._seen = requests
        await self._sandbox.control.clear_faults()


async def eventually(look: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Wait until ``look`` is true; raise TimeoutError after ``seconds``."""
    async with asyncio.timeout(seconds):
        while not await look():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.05)
