"""A surge: many people in many channels, all at once, and what the bot does with it.

    .venv/bin/python -m benchmarks.surge [--people 10000] [--channels 1000] [--messages 50000] [--addressed 0.1]

Starts a sandbox and the bot as processes of their own, posts as fast as the gateway carries it, waits until nothing is
left to answer, and prints what was posted, recorded, answered, skipped, and the bot's peak memory.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.bots import event_counts, peak_memory, reasons, running_bot
from bot.sandbox.process import SandboxProcess, sandbox_process

BATCH = 1000
QUIET_SECONDS = 3.0


async def main() -> int:
    """Run the surge and return the exit code."""
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with sandbox_process(("--rate-limit", "off")) as sandbox:
            channels = await _channels(sandbox, options.channels)
            async with running_bot(folder, sandbox) as process:
                await sandbox.control.wait_for_ready()
                began = time.monotonic()
                posted = await _post(sandbox, options, channels)
                carried = time.monotonic() - began
                counts = await _quiet(folder, posted)
                took = time.monotonic() - began
                memory = peak_memory(process.pid)
                unanswered = reasons(folder)
            answered, doubled = await _judge(sandbox)
    return _print(posted, counts, unanswered, answered, doubled, carried=carried, took=took, memory=memory)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--channels", type=int, default=1_000)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--addressed", type=float, default=0.1, help="the share of messages that ask the bot")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


async def _channels(sandbox: SandboxProcess, count: int) -> list[str]:
    made = [await sandbox.control.create_channel(f"surge-{number}") for number in range(count)]
    return [channel["id"] for channel in made]


async def _post(sandbox: SandboxProcess, options: argparse.Namespace, channels: list[str]) -> list[bool]:
    """Post everything and return, for each message, whether it asked the bot."""
    chance = random.Random(options.seed)  # noqa: S311 - a seed repeats the run
    asks = [chance.random() < options.addressed for _ in range(options.messages)]
    for start in range(0, len(asks), BATCH):
        await sandbox.control.post_many(
            {
                "channel": chance.choice(channels),
                "author": f"person-{chance.randrange(options.people)}",
                "content": "!surge" if asked else "is anybody else seeing this?",
            }
            for asked in asks[start : start + BATCH]
        )
    return asks


async def _quiet(folder: Path, posted: list[bool]) -> Counter[str]:
    """Wait until every message is recorded and no reply is left, and return the events by type."""
    before: Counter[str] = Counter()
    since = time.monotonic()
    while True:
        counts = event_counts(folder)
        if counts != before:
            before, since = counts, time.monotonic()
        patience = QUIET_SECONDS if counts["message.received"] >= len(posted) else 10 * QUIET_SECONDS
        if time.monotonic() - since > patience:
            return counts
        await asyncio.sleep(0.5)


async def _judge(sandbox: SandboxProcess) -> tuple[int, int]:
    """Return how many messages got a reply, and how many more than one."""
    report = await sandbox.control.report()
    replies = [len(message["replies"]) for message in report["messages"] if message["content"] == "!surge"]
    return sum(count > 0 for count in replies), sum(count > 1 for count in replies)


def _print(
    posted: list[bool],
    counts: Counter[str],
    unanswered: Counter[str],
    answered: int,
    doubled: int,
    *,
    carried: float,
    took: float,
    memory: float,
) -> int:
    addressed = sum(posted)
    reasoned = unanswered.total()
    table = Table("surge", "count", title="Surge")
    table.columns[1].justify = "right"
    for label, value in (
        ("posted", f"{len(posted):,}"),
        ("posted per second", f"{len(posted) / carried:,.0f}"),
        ("recorded", f"{counts['message.received']:,}"),
        ("addressed to the bot", f"{addressed:,}"),
        ("answered", f"{answered:,}"),
        *((f"unanswered: {reason}", f"{count:,}") for reason, count in unanswered.most_common()),
        ("doubled", f"{doubled:,}"),
        ("seconds until quiet", f"{took - QUIET_SECONDS:,.1f}"),
        ("peak memory of the bot", f"{memory:,.0f} MiB"),
    ):
        table.add_row(label, value)
    Console().print(table)
    lost = len(posted) - counts["message.received"]
    return int(lost != 0 or doubled != 0 or addressed - answered > reasoned)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
