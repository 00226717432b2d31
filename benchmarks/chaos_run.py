"""One chaos run: chat goes on while the bot is killed and started again, connections break, and sends fail."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chaos_outcome import Outcome, Seen, judged
from benchmarks.chaos_script import CHANNELS, DM, DM_PERSON, THREAD, Life, Line, Moment, Plan, Post
from benchmarks.chaos_script import drops as drops_of
from benchmarks.chaos_script import lives as lives_of
from benchmarks.chaos_script import posts as posts_of
from benchmarks.chaos_settings import configure
from bot.cli.demo_bot import BotProcess, DemoError, bot_process
from bot.cli.trails import Trail, read_trails
from bot.eventlog.log import open_reader
from bot.sandbox.process import SandboxProcess, sandbox_process

QUIET_PATIENCE = 180.0
"""Seconds without any progress, longer than the longest pause between two tries, before the rest counts as lost."""

LONGEST_START = 180.0
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

_LATENCY = (
    {"method": "POST", "when": "after", "seconds": 0.15, "probability": 0.5},
    {"method": "POST", "when": "before", "seconds": 0.15},
    {"method": "GET", "when": "before", "seconds": 0.1},
)
"""How long Discord takes: a kill is to meet sends under way, half of them taken, and histories half read."""


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
    _born: float = field(default_factory=time.monotonic)
    _killed: int = 0
    _over: bool = False

    async def play(self) -> None:
        """Play it all, wait until it is quiet, and stop the bot; raise TimeoutError when it does not get quiet."""
        await self._prepare()
        await self._start()
        await self._open_dm()
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
        for fault in _LATENCY:
            await control.add_fault("delay", path="/channels/*/messages", count=None, **fault)
        configure(self.bot.folder, self.sandbox)

    async def _open_dm(self) -> None:
        """Have the bot hear of the private chat: Discord tells a bot of none that began while it was away."""
        control = self.sandbox.control
        await self.bot.alive(control.wait_for_ready(within=LONGEST_START))
        await self._post([Post(DM, DM_PERSON, "what is chaos?", asks=True)])
        answered = control.wait_for_messages(channel=self._channels[DM], bot=True, within=LONGEST_START)
        await self.bot.alive(answered)

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
        done = 0
        while done < len(posts):
            await asyncio.sleep(TICK)
            due = int(len(posts) * self._progress)
            await self._post(posts[done:due])
            done = max(done, due)

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
                pause = asyncio.sleep(TICK)
                # Nobody kills the last process, so only there an end is one of its own.
                await (self.bot.alive(pause) if self._over else pause)
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
        before, since = -1, time.monotonic()
        while left := await self._left():
            if left != before:
                before, since = left, time.monotonic()
            if time.monotonic() - since > QUIET_PATIENCE:
                raise TimeoutError(f"{left:,} messages were not recorded or answered, and nothing moved any more.")
            self.tell(f"{left:,} left to record or answer")
            await self.bot.alive(asyncio.sleep(LOOK_EVERY))

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


async def run(plan: Plan, folder: Path, chat: Sequence[Line], tell: Callable[[str], None]) -> Outcome:
    """Play a plan in a folder of its own and judge it; what the sandbox saw is left beside the log."""
    arguments = ("--rate-limit", "off", "--global-rate-limit", "off", "--nonce-window", f"{plan.nonce_window:g}")
    async with sandbox_process(arguments) as sandbox, bot_process(folder, sandbox.token) as bot:
        chaos = Chaos(plan, sandbox, bot, chat, tell)
        began = time.monotonic()
        trouble = await _played(chaos)
        seen = Seen(
            plan=plan,
            addressed=frozenset(chaos.addressed),
            kills=bot.kills,
            drops=chaos.dropped,
            invalidated=chaos.invalidated,
            seconds=time.monotonic() - began,
            trouble=trouble,
        )
        return await judged(seen, sandbox, bot)


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
