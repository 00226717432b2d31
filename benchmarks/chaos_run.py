"""One chaos run: chat goes on while the bot is killed and started again, connections break, and sends fail."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chaos_script import CHANNELS, DM, DM_PERSON, FACTS, RULES, THREAD, Life, Line, Moment, Post
from benchmarks.chaos_script import drops as drops_of
from benchmarks.chaos_script import lives as lives_of
from benchmarks.chaos_script import posts as posts_of
from bot.cli.demo_bot import BotProcess, DemoError, bot_process
from bot.cli.judge import Verdict, judge
from bot.cli.log_verify import check_log
from bot.cli.trails import Trail, read_trails
from bot.eventlog.log import open_reader
from bot.sandbox.process import SandboxProcess, sandbox_process

SEND_TIMEOUT = 2
QUIET_PATIENCE = 180.0
"""Seconds for everything to be answered once the last post is made and the last kill is over."""

LONGEST_START = 20.0
TYPICAL_LIFE = 3.0
TICK = 0.2
LOOK_EVERY = 2.0

_FAULTS = (
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "reset"},
    {"kind": "cut"},
    {"kind": "hang"},
)
"""The ways in which a send fails after Discord took the message."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run is made of."""

    messages: int
    kills: int
    drops: int
    failures: float
    nonce_window: float
    seed: int


@dataclass(slots=True)
class Outcome:
    """How a run ended; ``trouble`` says what cut it short, "" for nothing."""

    plan: Plan
    verdict: Verdict
    kills: int
    drops: int
    invalidated: int
    sessions: int
    resumes: int
    failed_sends: dict[str, int]
    events: int
    seconds: float
    trouble: str

    @property
    def ok(self) -> bool:
        """Tell whether the run came to its end and nothing is wrong."""
        return self.verdict.ok and not self.trouble


@dataclass(slots=True)
class Chaos:
    """Plays a plan against a sandbox and a bot; ``tell`` hears of the progress."""

    plan: Plan
    sandbox: SandboxProcess
    bot: BotProcess
    chat: Sequence[Line]
    tell: Callable[[str], None]
    addressed: set[int] = field(default_factory=set)
    posted: int = 0
    dropped: int = 0
    invalidated: int = 0
    _channels: dict[str, str] = field(default_factory=dict)
    _born: float = 0.0
    _killed: int = 0
    _over: bool = False

    async def play(self) -> None:
        """Play it all, wait until it is quiet, and stop the bot; raise TimeoutError when it does not get quiet."""
        await self._prepare()
        await self._start()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._post_all())
            tasks.create_task(self._break_connections())
            tasks.create_task(self._kill_all())
        await self._quiet()
        await self.bot.stop()

    async def _prepare(self) -> None:
        """Make channels, bot accounts and faults, and write the bot's settings."""
        control = self.sandbox.control
        for name in CHANNELS:
            self._channels[name] = (await control.create_channel(name))["id"]
        thread = await control.create_thread(THREAD, channel=CHANNELS[0], owner=self.chat[0].author)
        self._channels[THREAD] = thread["id"]
        self._channels[DM] = (await control.open_dm(DM_PERSON))["id"]
        for author in sorted({line.author for line in self.chat if line.bot}):
            await control.create_user(author, bot=True)
        for number, fault in enumerate(_FAULTS if self.plan.failures else ()):
            await control.add_fault(
                **fault,  # type: ignore[arg-type]  # a fault's properties are as different as their types
                method="POST",
                path="/channels/*/messages",
                when="after",
                count=None,
                probability=self.plan.failures / len(_FAULTS),
                seed=self.plan.seed * len(_FAULTS) + number,
            )
        _configure(self.bot.folder, self.sandbox)

    async def _start(self) -> None:
        await self.bot.start()
        self._born = time.monotonic()

    @property
    def _progress(self) -> float:
        """Return how much of the run is over, from 0 to 1: kills done, and how far this life is."""
        if self._over:
            return 1.0
        life = min(1.0, (time.monotonic() - self._born) / TYPICAL_LIFE)
        return min(1.0, (self._killed + life) / max(1, self.plan.kills))

    async def _post_all(self) -> None:
        """Post as the run goes on, so that the last message comes with the last kill."""
        posts = posts_of(self.plan.seed, self.plan.messages, self.chat)
        while self.posted < len(posts):
            await asyncio.sleep(TICK)
            due = int(len(posts) * self._progress)
            await self._post(posts[self.posted : due])

    async def _post(self, posts: Sequence[Post]) -> None:
        if not posts:
            return
        ids = await self.sandbox.control.post_many(
            [post.to_json(self._channels, self.sandbox.application_id) for post in posts]
        )
        self.addressed.update(int(key) for key, post in zip(ids, posts, strict=True) if post.asks)
        self.posted += len(posts)

    async def _break_connections(self) -> None:
        """Cut each connection at its moment, or as soon after it as there is one."""
        for drop in drops_of(self.plan.seed, self.plan.drops):
            while self._progress < drop.progress:
                await asyncio.sleep(TICK)
            await asyncio.sleep(drop.offset)
            while True:
                cut = await self.sandbox.control.gateway("drop", invalidate=drop.invalidate)
                if cut["connections"]:
                    break
                await asyncio.sleep(TICK)
            self.dropped += 1
            self.invalidated += drop.invalidate

    async def _kill_all(self) -> None:
        for life in lives_of(self.plan.seed, self.plan.kills):
            await self._live(life)
            os.kill(self.bot.pid, signal.SIGKILL)
            await self.bot.killed()
            self._killed += 1
            await self._start()
            self.tell(f"{self._killed} of {self.plan.kills} kills, {self.posted:,} posted")
        self._over = True

    async def _live(self, life: Life) -> None:
        if life.since is Moment.READY:
            ready = self.sandbox.control.wait_for_ready(within=LONGEST_START)
            # A process whose connection broke just then is killed all the same.
            with suppress(TimeoutError):
                await self.bot.alive(ready)
        await asyncio.sleep(life.seconds)

    async def _quiet(self) -> None:
        """Wait until every message is recorded and every question has its answer, or a reason why not."""
        self.tell("waiting until all is answered")
        # A process that is still starting would die of the SIGTERM that follows.
        await self.bot.alive(self.sandbox.control.wait_for_ready(within=LONGEST_START))
        deadline = time.monotonic() + QUIET_PATIENCE
        while time.monotonic() < deadline:
            left = await self._left()
            if not left:
                return
            self.tell(f"{left:,} left to record or answer")
            await self.bot.alive(asyncio.sleep(LOOK_EVERY))
        raise TimeoutError(f"{await self._left()} messages were not settled within {QUIET_PATIENCE:.0f} s")

    async def _left(self) -> int:
        reader = await open_reader(self.bot.location)
        try:
            trails = await read_trails(reader)
        finally:
            await reader.close()
        recorded = sum(1 for trail in trails.values() if trail.recorded)
        open_ones = sum(1 for key in self.addressed if not _settled(trails.get(key, Trail())))
        others = sum(1 for trail in trails.values() if trail.requested and not _settled(trail))
        return max(0, self.posted - recorded) + max(open_ones, others)


def _settled(trail: Trail) -> bool:
    return bool(trail.skipped or trail.abandoned or (trail.parts and len(trail.sent) == trail.parts))


def _configure(folder: Path, sandbox: SandboxProcess) -> None:
    # No audit: what the gateway and the catch-up did not bring is to stay missing, and to be seen.
    settings = f"""
[discord]
api_url = "{sandbox.api_url}"
gateway_url = "{sandbox.gateway_url}"
[log]
path = "data"
[replies]
max_age = "1d"
send_timeout = "{SEND_TIMEOUT}s"
[audit]
enabled = false
[limits]
per_channel = "off"
per_person = "off"
queue = 100000
[telemetry]
port = 0
log_format = "json"
{RULES}"""
    (folder / "config.toml").write_text(settings, encoding="utf-8")
    (folder / "facts.json").write_text(json.dumps(FACTS), encoding="utf-8")


async def run(plan: Plan, folder: Path, chat: Sequence[Line], tell: Callable[[str], None]) -> Outcome:
    """Play a plan in a folder of its own and judge it; what the sandbox saw is left beside the log."""
    arguments = ("--rate-limit", "off", "--global-rate-limit", "off", "--nonce-window", f"{plan.nonce_window:g}")
    async with sandbox_process(arguments) as sandbox, bot_process(folder, sandbox.token) as bot:
        chaos = Chaos(plan, sandbox, bot, chat, tell)
        began = time.monotonic()
        trouble = await _played(chaos)
        return await _judged(chaos, time.monotonic() - began, trouble)


async def _played(chaos: Chaos) -> str:
    try:
        await chaos.play()
    except TimeoutError as error:
        await chaos.bot.stop()
        return str(error)
    except ExceptionGroup as group:
        matched, rest = group.split(DemoError)
        if matched is None or rest is not None:
            raise
        return str(matched.exceptions[0])
    except DemoError as error:
        return str(error)
    return ""


async def _judged(chaos: Chaos, seconds: float, trouble: str) -> Outcome:
    control, bot = chaos.sandbox.control, chaos.bot
    messages = await control.messages()
    faults = await control.faults()
    sessions = await control.sessions()
    requests = await control.requests()
    for name, found in (("messages", messages), ("requests", requests)):
        (bot.folder / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
    reader = await open_reader(bot.location)
    try:
        verified = await check_log(reader, None)
        verdict = await judge(
            reader, messages, int(chaos.sandbox.application_id), addressed=chaos.addressed, verified=verified
        )
    finally:
        await reader.close()
    return Outcome(
        plan=chaos.plan,
        verdict=verdict,
        kills=bot.kills,
        drops=chaos.dropped,
        invalidated=chaos.invalidated,
        sessions=sessions["identifies"],
        resumes=sessions["resumes"],
        failed_sends={
            f"{fault['kind']} {fault['status'] if fault['kind'] == 'status' else ''}".strip(): fault["hits"]
            for fault in faults
        },
        events=verified.events,
        seconds=seconds,
        trouble=trouble,
    )
