"""The bot as a process of its own, pointed at a sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from bot.sandbox.child_process import tethered
from bot.sandbox.process import SandboxProcess

CONFIG = r"""
[telemetry]
port = 0
log_level = "error"
[[rules]]
match = '!(?P<word>[a-z]+)'
reply = "{author}: {word} it is"
"""


@contextlib.asynccontextmanager
async def running_bot(
    folder: Path, sandbox: SandboxProcess, settings: str = CONFIG, output: int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the bot with its settings and log in ``folder``, and end it by SIGTERM unless it has ended.

    ``output`` is the file descriptor that its log lines go to; None: ours.
    """
    (folder / "config.toml").write_text(settings, encoding="utf-8")
    environ = {
        **os.environ,
        "DISCORD_TOKEN": sandbox.token,
        "ECHOLESS_DISCORD__API_URL": sandbox.api_url,
        "ECHOLESS_DISCORD__GATEWAY_URL": sandbox.gateway_url,
    }
    process = await asyncio.create_subprocess_exec(
        *tethered(sys.executable, "-m", "bot", "run"), cwd=folder, env=environ, stdout=output, stderr=output
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


def peak_memory(pid: int) -> float:
    """Return a process's peak resident memory in MiB, as Linux tells it."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process took so far, as Linux tells it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def event_counts(folder: Path) -> Counter[str]:
    """Return how many events of each type the log in ``folder`` holds."""
    with reading(folder) as connection:
        return Counter(dict(connection.execute("SELECT type, count(*) FROM events GROUP BY type")))


def reasons(folder: Path) -> Counter[str]:
    """Return why messages went unanswered, by reason."""
    sql = (
        "SELECT json_extract(data, '$.reason'), count(*) FROM events "
        "WHERE type IN ('message.skipped', 'reply.abandoned') GROUP BY 1"
    )
    with reading(folder) as connection:
        return Counter(dict(connection.execute(sql)))


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the log's database from outside, for reading."""
    connection = sqlite3.connect(f"file:{folder / 'data' / 'events.db'}?mode=ro", uri=True)
    try:
        yield connection
    finally:
        connection.close()
