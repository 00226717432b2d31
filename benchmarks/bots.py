"""The bot, or another client, as a process of its own that is pointed at a sandbox; and what can be seen of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

from bot.eventlog.location import Location
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
NO_LIMITS = ("--rate-limit", "off", "--global-rate-limit", "off")
"""Options of a sandbox that lets a client send as fast as it can."""

UNLIMITED = """
[telemetry]
port = 0
log_level = "error"
[limits]
per_channel = "off"
per_person = "off"
"""
"""Settings of a bot that answers as often as it is asked; rules are to be added."""

TICK = 0.01
"""Seconds between two looks at a file that grows and shrinks."""


@contextlib.asynccontextmanager
async def running(
    command: tuple[str, ...], folder: Path, environ: Mapping[str, str], output: int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``python`` with arguments in a folder, and end it by SIGTERM unless it has ended.

    ``output`` is the file descriptor that its output goes to; None: ours.
    """
    process = await asyncio.create_subprocess_exec(
        *tethered(sys.executable, *command),
        cwd=folder,
        env={**os.environ, **environ},
        stdout=output,
        stderr=output,
        process_group=0,  # a terminal's Ctrl-C is for the command that was typed, which ends its children itself
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


@contextlib.asynccontextmanager
async def running_bot(
    folder: Path, sandbox: SandboxProcess, settings: str = CONFIG, output: int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the bot with its settings and log in ``folder``, as :func:`running` does."""
    (folder / "config.toml").write_text(settings, encoding="utf-8")
    environ = {
        "DISCORD_TOKEN": sandbox.token,
        "ECHOLESS_DISCORD__API_URL": sandbox.api_url,
        "ECHOLESS_DISCORD__GATEWAY_URL": sandbox.gateway_url,
    }
    async with running(("-m", "bot", "run"), folder, environ, output) as process:
        yield process


def location(folder: Path) -> Location:
    """Return where the bot that runs in ``folder`` keeps its log."""
    return Location(folder / "data")


def peak_memory(pid: int) -> float:
    """Return a process's peak resident memory in MiB, as Linux tells it."""
    return _status(pid, "VmHWM")


def resident_memory(pid: int) -> float:
    """Return a process's resident memory in MiB, as Linux tells it."""
    return _status(pid, "VmRSS")


def _status(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(name))
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
    connection = sqlite3.connect(f"file:{location(folder).database}?mode=ro", uri=True)
    try:
        yield connection
    finally:
        connection.close()


def wal_bytes(database: Path) -> int:
    """Return the size of a database's write-ahead log."""
    wal = database.with_name(f"{database.name}-wal")
    return wal.stat().st_size if wal.exists() else 0


@contextlib.asynccontextmanager
async def watched_wal(database: Path) -> AsyncIterator[list[int]]:
    """Note the size of a database's write-ahead log again and again; whoever reads the sizes may clear them."""
    sizes: list[int] = []

    async def watch() -> None:
        while True:
            sizes.append(wal_bytes(database))
            await asyncio.sleep(TICK)

    task = asyncio.create_task(watch())
    try:
        yield sizes
    finally:
        sizes.append(wal_bytes(database))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
