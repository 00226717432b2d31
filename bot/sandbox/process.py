"""Starts and stops a sandbox as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.child_process import tethered
from bot.sandbox.control_client import ControlClient
from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import Json

_PATIENCE = 180.0
"""Seconds until a start or a stop counts as hanging, on a slow machine."""
_IMPORT_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class SandboxProcess:
    """The addresses of a running sandbox, from its ready line, and a client for its control API."""

    api_url: str
    gateway_url: str
    control_url: str
    token: str
    pid: int
    application_id: str
    guild_id: str
    channel_id: str
    control: ControlClient


@contextlib.asynccontextmanager
async def sandbox_process(arguments: Iterable[str] = ()) -> AsyncIterator[SandboxProcess]:
    """Start ``python -m bot.sandbox --json`` with more arguments; stop it at the end, or when this process ends.

    Raises SandboxError with its stderr if it does not start.
    """
    paths = [str(_IMPORT_ROOT), os.environ.get("PYTHONPATH", "")]
    process = await asyncio.create_subprocess_exec(
        *tethered(sys.executable, "-m", "bot.sandbox", "--json", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        process_group=0,  # a terminal's Ctrl-C is for whoever started it, who then ends it in good order
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )
    try:
        ready = await _ready_line(process)
        async with ControlClient(ready["control_url"], patience=_PATIENCE) as control:
            yield SandboxProcess(**ready, control=control)
    finally:
        await _stop(process)


async def _ready_line(process: asyncio.subprocess.Process) -> Json:
    if process.stdout is None or process.stderr is None:
        raise SandboxError("The sandbox has no output to read.")
    try:
        async with asyncio.timeout(_PATIENCE):
            line = await process.stdout.readline()
    except TimeoutError:
        raise SandboxError(f"The sandbox said nothing for {_PATIENCE:.0f} s: start it by hand and look.") from None
    if not line:
        problem = (await process.stderr.read()).decode(errors="replace").strip()
        raise SandboxError(f"The sandbox did not start: {problem}")
    ready: Json = json.loads(line)
    return ready


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_PATIENCE):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
