"""A soak itself: people write at an even pace, some ask the bot, and the bot's process is looked at from outside."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.bots import (
    NO_LIMITS,
    UNLIMITED,
    cpu_seconds,
    location,
    reading,
    resident_memory,
    running_bot,
    watched_wal,
)
from benchmarks.compare.chat import Chat
from benchmarks.soak_figures import Line, Outcome
from bot.cli.log_verify import check_log
from bot.demo.judge import RunVerdict, judge
from bot.eventlog.log import open_reader
from bot.sandbox.json_codec import Json
from bot.sandbox.process import SandboxProcess, sandbox_process

RULE = """
[[rules]]
match = 'how is the soak\\?'
reply = "Wet, {author}."
"""
QUESTION = "how is the soak?"
ASKING = 0.05
"""The share of messages that ask the bot."""

TICK = 0.1
PATIENCE = 60.0
"""Seconds for the last answers."""

_SINCE = "SELECT type, count(*), max(position) FROM events WHERE position > ? GROUP BY type"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how many messages a second, and how many seconds a line stands for."""

    seconds: float
    rate: float
    every: float
    channels: int = 10
    seed: int = 1


@dataclass(slots=True)
class _Run:
    """A soak under way; ``asked`` holds the ids of the questions."""

    plan: Plan
    chat: Chat
    sandbox: SandboxProcess
    process: Process
    folder: Path
    wal: list[int]
    tell: Callable[[Line], object]
    posted: int = 0
    asked: set[int] = field(default_factory=set)
    lines: list[Line] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _position: int = 0
    _memory: list[float] = field(default_factory=list)
    _used: float = 0.0
    _recorded: int = 0

    async def go(self, stopping: asyncio.Event) -> None:
        """Post until the time is over or somebody stops it, then wait for the last answers."""
        chance = random.Random(self.plan.seed)  # noqa: S311 - a seed repeats the run
        self._used = cpu_seconds(self.process.pid)
        began = last = time.monotonic()
        total = round(self.plan.rate * self.plan.seconds)
        while self.posted < total and not stopping.is_set():
            elapsed = time.monotonic() - began
            await self._post(min(int(elapsed * self.plan.rate) + 1, total) - self.posted, chance)
            self._look()
            if elapsed + began - last >= self.plan.every:
                self._line(elapsed, elapsed + began - last)
                last = began + elapsed
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), TICK)
        await self._quiet()
        ended = time.monotonic()
        self._line(ended - began, ended - last)

    async def _post(self, number: int, chance: random.Random) -> None:
        messages = [self._message(self.posted + each, chance) for each in range(number)]
        ids = await self.sandbox.control.post_many(messages) if messages else []
        self.posted += len(ids)
        self.asked |= {int(id_) for id_, message in zip(ids, messages, strict=True) if message["content"] == QUESTION}

    def _message(self, number: int, chance: random.Random) -> Json:
        line = self.chat.lines[number % len(self.chat.lines)]
        message: Json = {"channel": f"soak-{chance.randrange(self.plan.channels)}", "author": f"a-{line.author}"}
        if chance.random() < ASKING:
            return {**message, "content": QUESTION, "mention": self.sandbox.application_id}
        return {**message, "content": line.content}

    def _look(self) -> None:
        """Take what is read again and again; raise RuntimeError if the bot has ended."""
        if self.process.returncode is not None:
            raise RuntimeError(f"The bot ended with exit code {self.process.returncode}.")
        self._memory.append(resident_memory(self.process.pid))

    def _count(self) -> None:
        """Add what was recorded since the last count: a look at all of the log would take longer and longer."""
        with reading(self.folder) as connection:
            for kind, count, position in connection.execute(_SINCE, (self._position,)).fetchall():
                self._counts[kind] += count
                self._position = max(self._position, position)

    @property
    def _pending(self) -> int:
        counts = self._counts
        return counts["reply.requested"] - counts["reply.sent"] - counts["reply.abandoned"]

    def _line(self, seconds: float, interval: float) -> None:
        self._look()
        self._count()
        used, recorded = cpu_seconds(self.process.pid), self._counts["message.received"]
        line = Line(
            seconds=round(seconds, 1),
            rss=median(self._memory),
            wal=max(self.wal) / 1e6,
            database=location(self.folder).database.stat().st_size / 1e6,
            cpu=(used - self._used) / interval * 100,
            cost=(used - self._used) / max(recorded - self._recorded, 1) * 1e6,
            posted=self.posted,
            recorded=recorded,
            pending=self._pending,
            answered=self._counts["reply.sent"],
        )
        self._used, self._recorded = used, recorded
        self._memory.clear()
        self.wal.clear()
        self.wal.append(0)
        self.lines.append(line)
        self.tell(line)

    async def _quiet(self) -> None:
        """Wait until everything is recorded and answered; what is not in time is judged as lost."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while self._counts["message.received"] < self.posted or self._counts["reply.sent"] < len(self.asked):
                    await asyncio.sleep(TICK)
                    self._look()
                    self._count()


async def soak(
    plan: Plan, chat: Chat, folder: Path, *, stopping: asyncio.Event, tell: Callable[[Line], object] = lambda _: None
) -> Outcome:
    """Soak a bot that runs in ``folder``, and judge the run; ``tell`` gets each line as it comes.

    Raises RuntimeError if the bot ends before it is told to.
    """
    async with sandbox_process(NO_LIMITS) as sandbox:
        for number in range(plan.channels):
            await sandbox.control.create_channel(f"soak-{number}")
        async with running_bot(folder, sandbox, UNLIMITED + RULE) as process:
            await sandbox.control.wait_for_ready()
            async with watched_wal(location(folder).database) as wal:
                run = _Run(plan, chat, sandbox, process, folder, wal, tell)
                await run.go(stopping)
        verdict = await _judged(sandbox, folder, run.asked)
    return Outcome(tuple(run.lines), verdict, cut=stopping.is_set())


async def _judged(sandbox: SandboxProcess, folder: Path, asked: set[int]) -> RunVerdict:
    messages = await sandbox.control.messages()
    reader = await open_reader(location(folder))
    try:
        verified = await check_log(reader, None)
        return await judge(reader, messages, int(sandbox.application_id), addressed=asked, verified=verified)
    finally:
        await reader.close()
