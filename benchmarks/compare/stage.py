"""A sandbox and one client of it, each a process of its own; and what both cost the processor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bot.sandbox.child_process import tethered
from bot.sandbox.process import SandboxProcess, sandbox_process

NO_LIMITS = ("--rate-limit", "off", "--global-rate-limit", "off")
CONFIG = """
[telemetry]
port = 0
log_level = "error"
[limits]
per_channel = "off"
per_person = "off"
[[rules]]
match = '!ping'
reply = "pong"
"""


Entering: TypeAlias = "contextlib.AbstractAsyncContextManager[Stage]"


@dataclass(frozen=True, slots=True)
class Stage:
    """A sandbox, a client that is ready, and where the bot keeps its log."""

    sandbox: SandboxProcess
    client: Process
    folder: Path

    def cpu_seconds(self) -> tuple[float, float]:
        """Return how much processor time the sandbox and the client have used."""
        return _cpu(self.sandbox.pid), _cpu(self.client.pid)


@contextlib.asynccontextmanager
async def bot_stage(folder: Path) -> AsyncIterator[Stage]:
    """Stage ``echoless run``, its log in ``folder``, durability full."""
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    async with sandbox_process(NO_LIMITS) as sandbox:
        environ = {
            "DISCORD_TOKEN": sandbox.token,
            "ECHOLESS_DISCORD__API_URL": sandbox.api_url,
            "ECHOLESS_DISCORD__GATEWAY_URL": sandbox.gateway_url,
        }
        async with _running(("-m", "bot", "run"), folder, environ) as client:
            await _ready(sandbox, client)
            yield Stage(sandbox, client, folder)


@contextlib.asynccontextmanager
async def plain_stage(folder: Path, *, burst: int = 0) -> AsyncIterator[Stage]:
    """Stage a plain discord.py client, which counts messages if ``burst`` says so, or else answers."""
    async with sandbox_process(NO_LIMITS) as sandbox:
        module = "benchmarks.compare.children.plain_client"
        command = ("-m", module, sandbox.api_url, sandbox.gateway_url, "--burst", str(burst))
        root = str(Path(__file__).parents[2])
        async with _running(command, folder, {"DISCORD_TOKEN": sandbox.token, "PYTHONPATH": root}) as client:
            await _ready(sandbox, client)
            yield Stage(sandbox, client, folder)


@contextlib.asynccontextmanager
async def both(one: Entering, other: Entering) -> AsyncIterator[tuple[Stage, Stage]]:
    """Enter two stages at once: each takes seconds to be ready."""
    async with contextlib.AsyncExitStack() as stack:
        first, second = await asyncio.gather(stack.enter_async_context(one), stack.enter_async_context(other))
        yield first, second


@contextlib.asynccontextmanager
async def _running(command: tuple[str, ...], folder: Path, environ: dict[str, str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *tethered(sys.executable, *command), cwd=folder, env={**os.environ, **environ}, stdout=PIPE
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def _ready(sandbox: SandboxProcess, client: Process) -> None:
    await sandbox.control.wait_for_ready()
    # discord.py itself is ready two seconds after the last server; the bot's catch-ups come then.
    await asyncio.sleep(3)
    if client.returncode is not None:
        raise RuntimeError(f"The client ended with exit code {client.returncode}.")


def _cpu(pid: int) -> float:
    """Return a process's user and system seconds, as Linux tells them after the name in brackets."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
