"""A sandbox and one client of it, each a process of its own; and what both cost the processor."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from benchmarks.bots import NO_LIMITS, UNLIMITED, cpu_seconds, running, running_bot
from benchmarks.compare.children.plain_client import ANSWER, ASK
from benchmarks.rules import ASKING, BEGINNING, COMMAND, WORDS
from bot.sandbox.process import SandboxProcess, sandbox_process

RULE = """
[[rules]]
match = '{pattern}'
reply = "{reply}"
"""
ROOT = Path(__file__).parents[2]

ANSWERING, COUNTING, LOGGING = ("plain_client",), ("plain_client", "--count"), ("logging_client",)
"""Plain clients: the modules among the children, and their options."""


Entering: TypeAlias = "contextlib.AbstractAsyncContextManager[Stage]"


@dataclass(frozen=True, slots=True)
class Stage:
    """A sandbox, a client that is ready, and the folder where the client runs."""

    sandbox: SandboxProcess
    client: Process
    folder: Path

    def cpu_seconds(self) -> tuple[float, float]:
        """Return how much processor time the sandbox and the client have used."""
        return cpu_seconds(self.sandbox.pid), cpu_seconds(self.client.pid)


def settings(rules: int = 1) -> str:
    """Return the bot's settings: it answers the word, and has more rules about words that nobody writes."""
    shapes = (COMMAND, BEGINNING, ASKING)
    others = [
        shapes[each % len(shapes)].replace("WORD", f"{WORDS[each % len(WORDS)]}q{each}z") for each in range(rules - 1)
    ]
    return UNLIMITED + "".join(RULE.format(pattern=pattern, reply=ANSWER) for pattern in (*others, ASK))


@contextlib.asynccontextmanager
async def bot_stage(folder: Path, *, rules: int = 1) -> AsyncIterator[Stage]:
    """Stage ``echoless run``, its log in ``folder``, durability full."""
    async with sandbox_process(NO_LIMITS) as sandbox, running_bot(folder, sandbox, settings(rules)) as client:
        await _ready(sandbox, client)
        yield Stage(sandbox, client, folder)


@contextlib.asynccontextmanager
async def plain_stage(folder: Path, kind: Sequence[str]) -> AsyncIterator[Stage]:
    """Stage a plain discord.py client."""
    async with sandbox_process(NO_LIMITS) as sandbox, running_plain(folder, sandbox, kind) as client:
        await _ready(sandbox, client)
        yield Stage(sandbox, client, folder)


@contextlib.asynccontextmanager
async def running_plain(folder: Path, sandbox: SandboxProcess, kind: Sequence[str]) -> AsyncIterator[Process]:
    """Run a plain discord.py client."""
    module, *options = kind
    command = ("-m", f"benchmarks.compare.children.{module}", *options, sandbox.api_url, sandbox.gateway_url)
    async with running(command, folder, {"DISCORD_TOKEN": sandbox.token, "PYTHONPATH": str(ROOT)}) as client:
        yield client


@contextlib.asynccontextmanager
async def together(*stages: Entering) -> AsyncIterator[list[Stage]]:
    """Enter stages at once: each takes seconds to be ready."""
    async with contextlib.AsyncExitStack() as stack:
        yield list(await asyncio.gather(*map(stack.enter_async_context, stages)))


async def _ready(sandbox: SandboxProcess, client: Process) -> None:
    await sandbox.control.wait_for_ready()
    # discord.py itself is ready two seconds after the last server; the bot's catch-ups come then.
    await asyncio.sleep(3)
    if client.returncode is not None:
        raise RuntimeError(f"The client ended with exit code {client.returncode}.")
