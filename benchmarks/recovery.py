"""Back after kill -9 with many replies pending: how long from the ready event to the first reply.

    .venv/bin/python -m benchmarks.recovery [--replies 1000] [--channels 100]

The sandbox lets every send hang until the bot has recorded all requests; then the bot is killed and started again.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.bots import event_counts, reading, running_bot
from bot.sandbox.process import SandboxProcess, sandbox_process


async def main() -> int:
    """Measure and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replies", type=int, default=1000)
    parser.add_argument("--channels", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with sandbox_process(("--rate-limit", "off")) as sandbox:
            await _leave_pending(folder, sandbox, options.replies, options.channels)
            async with running_bot(folder, sandbox):
                await _until(folder, "reply.sent", options.replies)
            report = await sandbox.control.report()
            doubled = sum(len(message["replies"]) > 1 for message in report["messages"])
        first, last = _times(folder)
    table = Table("recovery", "", title=f"{options.replies:,} replies pending in {options.channels:,} channels")
    table.columns[0].min_width = 40
    table.columns[1].justify = "right"
    table.add_row("ready to first reply", f"{first:.2f} s")
    table.add_row("ready to last reply", f"{last:.2f} s")
    table.add_row("doubled", f"{doubled}")
    Console().print(table)
    return int(doubled > 0)


async def _leave_pending(folder: Path, sandbox: SandboxProcess, replies: int, channels: int) -> None:
    names = [f"recovery-{number}" for number in range(channels)]
    for name in names:
        await sandbox.control.create_channel(name)
    await sandbox.control.add_fault("hang", method="POST", path="/channels/*/messages", when="before")
    async with running_bot(folder, sandbox) as process:
        await sandbox.control.wait_for_ready()
        await sandbox.control.post_many(
            {"channel": names[number % channels], "author": f"person-{number}", "content": "!again"}
            for number in range(replies)
        )
        await _until(folder, "reply.requested", replies)
        process.kill()
        await process.wait()
    await sandbox.control.clear_faults()


async def _until(folder: Path, event: str, count: int) -> None:
    async with asyncio.timeout(300):
        while event_counts(folder)[event] < count:
            await asyncio.sleep(0.1)


def _times(folder: Path) -> tuple[float, float]:
    """Return the seconds from the second session's ready event to the first and to the last reply recorded after it."""
    with reading(folder) as connection:
        (ready,) = connection.execute("SELECT max(recorded_at) FROM events WHERE type = 'gateway.ready'").fetchone()
        first, last = connection.execute(
            "SELECT min(recorded_at), max(recorded_at) FROM events WHERE type = 'reply.sent'"
        ).fetchone()
    return (first - ready) / 1e6, (last - ready) / 1e6


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
