"""A bot process that is started again whenever it is killed, and places at which it is to be killed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.process import SandboxProcess
from tests.crashpoints.nursery import Child, Nursery

LONG = "\n\n".join(f"Part of the answer, number {number}. " + "It goes on for a while. " * 30 for number in range(6))
SETTINGS = """
[discord]
api_url = "{api}"
gateway_url = "{gateway}"
[log]
path = "data"
[replies]
responder = {responder}
send_timeout = "5m"
open_threads = {threads}
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
STREAMED = """
[llm]
model = "openai:tiny"
base_url = "{model}"
edit_every = "10ms"
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the outside world is touched: the ``number``-th of a kind in a life, before or after.

    ``kind`` is commit, request, tool, or queued: a commit that has another batch queued behind it.
    """

    life: int
    kind: str
    number: int
    when: str

    def __str__(self) -> str:
        return f"{self.kind} {self.number} of life {self.life}, {self.when}"


@dataclass(frozen=True, slots=True)
class Touches:
    """How often one life of the bot committed and asked Discord, and how many commits had a batch queued behind."""

    commits: int
    requests: int
    queued: int = 0

    def places(self, life: int, *, crowded: bool = False) -> list[Place]:
        """Return every place of that life; of a ``crowded`` one, those with a batch queued behind."""
        kinds = (("queued", self.queued),) if crowded else (("commit", self.commits), ("request", self.requests))
        return [
            Place(life, kind, number, when)
            for kind, numbers in kinds
            for number in range(1, numbers + 1)
            for when in ("before", "after")
        ]


class Lives:
    """Starts the bot, kills it at the places given, and starts it again.

    ``model`` is the address of its model, ``more`` are further settings. With ``threads`` it opens one for each
    question that mentions it. A ``crowded`` one queues batches however few callers there are.
    """

    def __init__(
        self,
        folder: Path,
        nursery: Nursery,
        sandbox: SandboxProcess,
        places: Sequence[Place],
        model: str = "",
        *,
        crowded: bool = False,
        more: str = "",
        threads: bool = False,
    ) -> None:
        self.folder = folder
        self.life = -1
        self.touches: list[Touches] = []
        self.kills = 0
        self._nursery = nursery
        self._sandbox = sandbox
        self._model = model
        self._crowded = crowded
        self._more = more
        self._threads = str(threads).lower()
        self._places = {place.life: place for place in places}
        self._seen = 0
        self._stopping = False
        self._child: Child | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def _tally(self) -> Path:
        """Return where this life tells at its end what it touched."""
        return self.folder / f"tally{self.life}"

    async def start(self) -> None:
        """Start it, and keep it alive until :meth:`stop`."""
        self.settle_in()
        self._stopping = False
        self._keeper = asyncio.create_task(self._keep())

    def settle_in(self) -> None:
        """Write what it needs into its folder."""
        responder = '["rules", "llm"]' if self._model else '"rules"'
        settings = SETTINGS.format(
            api=self._sandbox.api_url,
            gateway=self._sandbox.gateway_url,
            responder=responder,
            threads=self._threads,
        ) + (STREAMED.format(model=self._model) if self._model else "")
        settings += self._more
        (self.folder / "config.toml").write_text(settings, encoding="utf-8")

    def program(self) -> tuple[str, list[str]]:
        """Return the nursery's program that it is, and its arguments before the place of its death."""
        return "bot", [str(self.folder / "config.toml"), str(self._tally), str(int(self._crowded))]

    def spare(self) -> None:
        """Let the lives to come live."""
        self._places.clear()

    async def stop(self) -> None:
        """Stop it by SIGTERM; where it is killed meanwhile, leave it dead."""
        self._stopping, asked = True, None
        while self._keeper is not None and not self._keeper.done():
            if self._child is not None and self._child is not asked:
                # Once: at its very end nothing takes the signal any more, and it would die over its tally.
                asked = self._child
                asked.terminate()
            await asyncio.wait((self._keeper,), timeout=0.1)

    async def _keep(self) -> None:
        while not self._stopping:
            await self._bury(await self._bear())

    async def _bear(self) -> Child:
        self.life += 1
        place = self._places.get(self.life)
        doom = [place.kind, str(place.number), place.when] if place and place.kind in ("commit", "queued") else []
        if place is not None and place.kind == "tool":
            (self.folder / "doom").write_text(place.when, encoding="ascii")
        program, arguments = self.program()
        environ = {"DISCORD_TOKEN": self._sandbox.token}
        output = self.folder / f"bot{self.life}.out"
        self._child = child = await self._nursery.start(program, [*arguments, *doom], environ, output)
        if place is not None and place.kind == "request":
            await self._sandbox.control.add_fault("kill", when=place.when, nth=place.number, pid=child.pid)
        child.go()
        return child

    async def _bury(self, child: Child) -> None:
        """Wait for the end of a life and count what it touched."""
        self.kills += await child.wait() == -signal.SIGKILL
        commits, queued = counted(self._tally)
        requests = len(await self._sandbox.control.requests())
        self.touches.append(Touches(commits, requests - self._seen, queued))
        self._seen = requests
        await self._sandbox.control.clear_faults()


def counted(tally: Path) -> tuple[int, int]:
    """Return the commits that a life told of, and the queued ones: none if it did not end in good order."""
    told = tally.read_text(encoding="ascii").split() if tally.exists() else []
    return (int(told[0]), int(told[1])) if told else (0, 0)
