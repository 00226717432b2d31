"""How fast moderators are answered inside Discord, while messages pour in.

    .venv/bin/python -m benchmarks.interactions [--events 1000000] [--channel-events 100000] [--rate 500] [--uses 100]

Writes a log of a million events, a tenth of them in one channel, starts a sandbox and the bot as processes of their
own, posts so many messages a second into that channel and others, and uses state (now and at random versions), timeline
(its next page, and choices that find nothing) and why one after the other. Prints how long the acknowledgement took (as
the Discord side measures it) and how long the answer took (from the click until the answer was seen).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.bots import event_counts, running_bot
from benchmarks.moderation import FIRST_ID, write
from bot.sandbox.process import SandboxProcess, sandbox_process

TICKS = 10
"""Batches of messages a second."""
OTHERS = 20
KNOWN = 10_000
"""Messages that the log of any size surely holds."""


@dataclass(slots=True)
class Timings:
    """Milliseconds by what was used."""

    acknowledged: dict[str, list[float]] = field(default_factory=dict)
    answered: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, acknowledged: float, answered: float) -> None:
        """Take one use, in seconds."""
        self.acknowledged.setdefault(name, []).append(acknowledged * 1000)
        self.answered.setdefault(name, []).append(answered * 1000)


async def main() -> int:
    """Measure, print, and return 1 where an acknowledgement took over 100 ms or an answer over a second."""
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with sandbox_process(("--rate-limit", "off")) as sandbox:
            busy = (await sandbox.control.create_channel("busy"))["id"]
            others = [(await sandbox.control.create_channel(f"other-{number}"))["id"] for number in range(OTHERS)]
            began = time.monotonic()
            await write(folder / "data", options.events, options.channel_events, options.seed, int(busy))
            print(f"log written in {time.monotonic() - began:.0f} s")  # noqa: T201 - a script
            async with running_bot(folder, sandbox):
                await sandbox.control.wait_for_ready()
                await sandbox.control.wait_for_requests(method="PUT", path="/applications/*/commands")
                timings, posted, took = await _measure(sandbox, options, busy, others)
                counts = event_counts(folder)
    print(f"{sum(counts.values()):,} events; {posted:,} messages in {took:.0f} s: {posted / took:.0f} a second")  # noqa: T201
    return _print(timings)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--channel-events", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=500, help="messages a second")
    parser.add_argument("--uses", type=int, default=100, help="of each command")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


async def _measure(
    sandbox: SandboxProcess, options: argparse.Namespace, busy: str, others: list[str]
) -> tuple[Timings, int, float]:
    """Use the commands while messages are posted; return the timings and how many were posted in how many seconds."""
    timings, stop, began = Timings(), asyncio.Event(), time.monotonic()
    posting = asyncio.create_task(_post(sandbox, options.rate, [busy, *others], stop))
    chance = random.Random(options.seed)  # noqa: S311 - a seed repeats the run
    try:
        for _ in range(options.uses):
            version = str(chance.randrange(1, options.channel_events))
            message = str(FIRST_ID + 1000 * chance.randrange(min(KNOWN, options.channel_events // 4)))
            await _use(sandbox, timings, "state", busy, {})
            await _use(sandbox, timings, "state", busy, {"at": version}, name="state at a version")
            page = await _use(sandbox, timings, "timeline", busy, {})
            await _turn(sandbox, timings, page)
            rare = {"type": "conversation.rewound"}
            await _use(sandbox, timings, "timeline", busy, rare, name="timeline, no such type")
            person = {"person": "owner"}
            await _use(sandbox, timings, "timeline", busy, person, name="timeline, silent person")
            await _use(sandbox, timings, "why", busy, {"message": message})
    finally:
        stop.set()
        posted = await posting
    return timings, posted, time.monotonic() - began


async def _post(sandbox: SandboxProcess, rate: int, channels: list[str], stop: asyncio.Event) -> int:
    """Post evenly, at most ``rate`` messages a second, and return how many."""
    chance = random.Random(0)  # noqa: S311 - a seed repeats the run
    posted, began = 0, time.monotonic()
    while not stop.is_set():
        await sandbox.control.post_many(
            {"channel": chance.choice(channels), "author": f"person-{chance.randrange(200)}", "content": "so?"}
            for _ in range(rate // TICKS)
        )
        posted += rate // TICKS
        await asyncio.sleep(max(0.0, began + posted / rate - time.monotonic()))
    return posted


async def _use(
    sandbox: SandboxProcess, timings: Timings, command: str, channel: str, options: dict[str, Any], name: str = ""
) -> dict[str, Any]:
    return await _timed(
        sandbox,
        timings,
        name or command,
        lambda: sandbox.control.use_command(f"replay {command}", options, user="owner", channel=channel),
    )


async def _turn(sandbox: SandboxProcess, timings: Timings, page: dict[str, Any]) -> None:
    """Press Next, and wait until the page turned."""
    message = page["original"]
    (button,) = [
        item for row in message["components"] for item in row["components"] if item.get("label") == "Next"
    ]  # fmt: skip
    before = message["content"]
    began = time.perf_counter()
    used = await sandbox.control.use_component(message["id"], button["custom_id"], user="owner")
    while (answer := await sandbox.control.interaction(used["id"]))["acknowledged"] is None or (
        answer["original"]["content"] == before
    ):
        await asyncio.sleep(0.005)
    timings.add("timeline, next page", answer["acknowledged_after"], time.perf_counter() - began)


async def _timed(
    sandbox: SandboxProcess, timings: Timings, name: str, act: Callable[[], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    began = time.perf_counter()
    used = await act()
    answer = await sandbox.control.wait_for_answer(used["id"])
    timings.add(name, answer["acknowledged_after"], time.perf_counter() - began)
    if "```" not in answer["original"]["content"]:
        raise RuntimeError(f"{name} was answered by a mere sentence: {answer['original']['content']}")
    return answer


def _print(timings: Timings) -> int:
    table = Table("command", "uses", title="Milliseconds until acknowledged, and until answered")
    for heading in ("ack p50", "p99", "max", "answer p50", "p99", "max"):
        table.add_column(heading, justify="right")
    for name, answered in timings.answered.items():
        acknowledged = timings.acknowledged[name]
        table.add_row(name, str(len(answered)), *_spread(acknowledged), *_spread(answered))
    Console().print(table)
    slow = max(map(max, timings.acknowledged.values())) > 100 or max(map(max, timings.answered.values())) > 1000  # noqa: PLR2004
    return int(slow)


def _spread(took: list[float]) -> tuple[str, str, str]:
    ordered = sorted(took)
    return f"{ordered[len(ordered) // 2]:.1f}", f"{ordered[len(ordered) * 99 // 100]:.1f}", f"{ordered[-1]:.1f}"


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
