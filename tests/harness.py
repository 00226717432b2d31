"""The bot against a sandbox: in this process, or as a process of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from bot.app import bot as app
from bot.app import from_settings
from bot.app.process import Process
from bot.app.responders import responders_of
from bot.app.shard import Shard
from bot.config import Config
from bot.conversations import state_as_of
from bot.core.conversation import Conversation
from bot.core.events import Body, Event, Recorded
from bot.core.streams import BOT_STREAM, stream_of
from bot.eventlog.location import Location
from bot.eventlog.log import open_log, open_reader
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.eventlog.remote.opening import Engine
from bot.gateway.supervisor import Supervisor
from bot.responders import Answer, Chain, Context, Question, Responder
from bot.sandbox.child_process import tethered
from bot.sandbox.server import Sandbox
from tests.moderating import Moderation
from tests.suite.engine import environ_for, log_settings
from tests.waiting import PATIENCE, eventually

SEND_TIMEOUT = Config().replies.send_timeout.total_seconds()
"""Seconds for a request, as the settings have it; a test lets them pass on its ``clock``."""
SERVERS_WITHIN = 0.05
"""Seconds for which a bot in this process waits for each server that READY named."""
ROOT = Path(__file__).parents[1]
RULES: list[dict[str, object]] = [{"match": "(?s)ask (?P<what>.+)", "reply": "re: {what}"}]

E = TypeVar("E", bound=Event)
Sections = Mapping[str, object]


def settings(sandbox: Sandbox, folder: Path, sections: Sections) -> Config:
    """Return settings for a sandbox: one rule (``ask ...``), no limits, no telemetry; ``sections`` say otherwise."""
    return Config.model_validate(_sections(sandbox, folder, sections))


def _sections(sandbox: Sandbox, folder: Path, sections: Sections) -> dict[str, Any]:
    addresses = sandbox.services.addresses
    merged: dict[str, Any] = {
        "discord": {"api_url": addresses.api, "gateway_url": addresses.gateway},
        "log": {"path": str(folder), "durability": "normal"},
        "replies": {},
        "rules": RULES,
        "limits": {"per_channel": "off", "per_person": "off"},
        "telemetry": {"port": 0, "log_level": "error"},
    }
    for name, section in sections.items():
        merged[name] = {**merged.get(name, {}), **section} if isinstance(section, Mapping) else section
    return merged


@dataclass(slots=True)
class Judge:
    """Reads a log, while a bot writes it or afterwards."""

    reader: Reader

    async def all(self, stream: str | None = None) -> list[Recorded]:
        """Return every event of a stream, or of the log."""
        return [recorded async for recorded in self.reader.events(Query(stream=stream))]

    async def of(self, kind: type[E], stream: str | int | None = None) -> list[E]:
        """Return the events of one kind in a channel (by id) or a stream (by name)."""
        name = stream if stream is None or stream == BOT_STREAM else stream_of(int(stream))
        return [recorded.event for recorded in await self.all(name) if isinstance(recorded.event, kind)]

    async def expect(self, kind: type[E], count: int = 1, stream: str | int | None = None) -> list[E]:
        """Wait for ``count`` events of one kind and return all there are."""

        async def enough() -> bool:
            return len(await self.of(kind, stream)) >= count

        await eventually(enough)
        return await self.of(kind, stream)

    async def state(self, channel: str | int) -> Conversation:
        """Return a channel's state as the log tells it."""
        return (await state_as_of(self.reader, int(channel))).state

    async def settled(self, channel: str | int) -> Conversation:
        """Wait until no reply of a channel is unfinished."""

        async def finished() -> bool:
            return not (await self.state(channel)).outbox

        await eventually(finished)
        return await self.state(channel)

    async def words(self, channel: str | int, kind: type[Event]) -> list[Body]:
        """Return the words of a channel's events of one kind."""
        events = [recorded for recorded in await self.all(stream_of(int(channel))) if isinstance(recorded.event, kind)]
        bodies = await self.reader.bodies(recorded.position for recorded in events)
        return [bodies[recorded.position] for recorded in events]


@dataclass(slots=True)
class RunningBot:
    """A bot in this process."""

    process: Process
    bot: app.Bot
    judge: Judge
    stopping: asyncio.Event
    serving: asyncio.Task[None]
    stopped: bool = False

    @property
    def moderation(self) -> Moderation:
        """Return what can be asked of it."""
        return Moderation(self.bot.context)

    @property
    def supervisor(self) -> Supervisor:
        """Return what keeps its client alive."""
        return self.process.shards[0].supervisor

    @property
    def connected(self) -> bool:
        """Tell whether it can speak to Discord."""
        return self.bot.health().gateway == "connected"

    async def ready(self) -> None:
        """Wait until it can speak to Discord and has read what was said before: what is said now is none of that."""

        def caught_up() -> bool:
            client = self.supervisor.client
            if client is None or any(guild.unavailable for guild in client.guilds):
                return False
            return client.listening.catchup is None or not client.listening.catchup._underway

        await eventually(lambda: (self.connected and caught_up()) or self.serving.done())

    async def make_log_unwritable(self, *, unwritable: bool = True) -> None:
        """Have the database refuse to be written, as on a disk that turned read-only, or take events again."""
        sql = f"PRAGMA query_only = {unwritable:d}"
        await self.bot.log._writer.connection.run(lambda connection: connection.execute(sql))

    async def stop(self) -> None:
        """Stop it in good order, once."""
        if not self.stopped:
            self.stopped = True
            self.stopping.set()
            try:
                await self.serving
            finally:
                await self.bot.log.close()


class Gated(Responder):
    """A responder that answers ``ask ...``, once it may."""

    name = "gated"

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.asked: list[Question] = []

    def claims(self, question: Question) -> bool:
        """Tell whether something is asked."""
        return question.text.startswith("ask ")

    async def answer(self, question: Question, context: Context) -> Answer:
        """Wait until the gate is open, then answer."""
        del context
        self.asked.append(question)
        await self.open.wait()
        return Answer(f"re: {question.text.removeprefix('ask ')}")


async def start_bot(
    sandbox: Sandbox,
    folder: Path,
    sections: Sections,
    responder: Responder | None = None,
    token: str = "",
    engine: Engine | None = None,
) -> RunningBot:
    """Start a bot in this process on a log folder; ``sections`` are its settings, ``engine`` keeps its log."""
    config = settings(sandbox, folder, sections)
    answering = Chain((responder,)) if responder else responders_of(config)
    full = config.log.durability == "full"
    log = await open_log(Location(folder), clock=app.clock, full=full, engine=engine)
    at = replace(from_settings.endpoint(config), guild_ready_timeout=SERVERS_WITHIN)
    process = Process(config, token or sandbox.services.application.token, answering, {0: log.location}, at)
    shard, stopping = process.shard(0, {0: log}), asyncio.Event()
    serving = asyncio.create_task(serve(process, shard, stopping))
    return RunningBot(process, shard.bots[0], Judge(log.reader), stopping, serving)


async def serve(process: Process, shard: Shard, stopping: asyncio.Event) -> None:
    """Run the one shard of a process."""
    try:
        await process.run(shard, stopping)
    finally:
        await process.close()


@asynccontextmanager
async def judging(folder: Path) -> AsyncIterator[Judge]:
    """Open a log beside whoever owns it."""
    reader = await open_reader(Location(folder))
    try:
        yield Judge(reader)
    finally:
        await reader.close()


class BotProcess:
    """``python -m bot run`` as a process of its own; its log lines go to a file."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, output: Path) -> None:
        self.process = process
        self.folder = folder
        self.output = output

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self.process.pid

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return its log lines of one name."""
        lines = [json.loads(line) for line in self.output.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]

    async def ready(self) -> None:
        """Wait until it can speak to Discord."""

        def answered() -> bool:
            assert self.process.returncode is None, self.output.read_text()
            return bool(self.lines("gateway.ready"))

        await eventually(answered)

    async def kill(self) -> None:
        """End it as a power loss would."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def terminate(self) -> int:
        """Ask it to end and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


Launch = Callable[..., Awaitable[RunningBot]]
Spawn = Callable[..., Awaitable[BotProcess]]


async def start_process(
    sandbox: Sandbox, folder: Path, sections: Sections, token: str | None = None, *flags: str
) -> BotProcess:
    """Start a bot as a process of its own on a log folder."""
    config = write_settings(sandbox, folder, {"telemetry": {"log_level": "info", "log_format": "json"}, **sections})
    token = sandbox.services.application.token if token is None else token
    output = folder.with_suffix(".jsonl")
    with output.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *tethered(sys.executable, "-m", "bot", "run", "--config", str(config), *flags),
            stdin=asyncio.subprocess.DEVNULL, stdout=sink, stderr=sink,
            cwd=ROOT, env={**environ_for(folder), "DISCORD_TOKEN": token},
        )  # fmt: skip
    return BotProcess(process, folder, output)


def write_settings(sandbox: Sandbox, folder: Path, sections: Sections) -> Path:
    """Write the settings for a log folder into a file beside it; TOML writes plain values as JSON does."""
    lines: list[str] = []
    merged = _sections(sandbox, folder, sections)
    merged["log"] = {**log_settings(), **merged["log"]}
    for name, section in merged.items():
        heading, tables = (f"[[{name}]]", section) if isinstance(section, list) else (f"[{name}]", [section])
        for table in tables:
            lines.append(heading)
            lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    config = folder.with_suffix(".toml")
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return config
