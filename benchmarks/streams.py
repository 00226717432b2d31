"""Many channels at once, each shown an answer while a model writes it: how soon, how often, within which limits.

    .venv/bin/python -m benchmarks.streams [--channels 100] [--rate 50] [--tokens 250] [--json]

Starts a sandbox with Discord's rate limits and the bot as processes of their own, and a server in the wire format of
OpenAI's chat completions; asks in every channel within a second, waits for the answers, and prints the table.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.bots import event_counts, peak_memory, running_bot
from bot.sandbox.control.records import RequestRecord
from bot.sandbox.process import SandboxProcess, sandbox_process
from tests.responders.llm.model_server import ModelServer

SETTINGS = """
[replies]
responder = "llm"
[limits]
per_channel = "off"
[llm]
model = "openai:tiny"
base_url = "{url}"
concurrency = {channels}
[telemetry]
port = 0
log_level = "error"
"""
HEARTBEAT_SECONDS = 2.0
PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What was seen: seconds from a channel's first token to its first message; requests; what Discord refused."""

    channels: int
    answered: int
    doubled: int
    first_p50: float
    first_p99: float
    edits: int
    edits_a_second: int
    closest_edits: float
    edits_in_five_seconds: int
    refused: int
    sessions: int
    memory_mib: float
    idle_mib: float
    seconds: float


async def main() -> int:
    """Run it and return the exit code."""
    options = _options()
    async with ModelServer(rate=options.rate, length=options.tokens).serve() as model:
        figures = await _measured(options, model)
    if options.json:
        print(json.dumps(asdict(figures)))  # noqa: T201 - for machines
    else:
        _show(figures)
    fine = figures.answered == figures.channels and figures.sessions == 1
    return int(not fine or bool(figures.refused or figures.doubled))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, default=100)
    parser.add_argument("--rate", type=float, default=50.0, help="tokens a second in each channel")
    parser.add_argument("--tokens", type=int, default=250, help="tokens of an answer")
    parser.add_argument("--json", action="store_true", help="one object instead of a table")
    return parser.parse_args()


async def _measured(options: argparse.Namespace, model: ModelServer) -> Figures:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with sandbox_process(("--heartbeat", str(HEARTBEAT_SECONDS))) as sandbox:
            channels = [(await sandbox.control.create_channel(f"talk-{at}"))["id"] for at in range(options.channels)]
            settings = SETTINGS.format(url=model.url, channels=options.channels)
            async with running_bot(folder, sandbox, settings) as process:
                await sandbox.control.wait_for_ready()
                idle = peak_memory(process.pid)
                began = time.monotonic()
                # One mention each, whose last word comes back as the first token: so a request is known by it.
                for at, channel in enumerate(channels):
                    await sandbox.control.post(f"speak {at}", channel=channel, mention=sandbox_bot(sandbox))
                await _until_complete(folder, options.channels)
                took = time.monotonic() - began
                memory = peak_memory(process.pid)
                requests = await sandbox.control.requests()
                sessions = await sandbox.control.sessions()
            messages = await sandbox.control.messages(author=sandbox_bot(sandbox))
    waits = _waits(model, channels, requests)
    edits = _by_channel(requests, "PATCH")
    every = sorted(at for times in edits.values() for at in times)
    there = {message["channel_id"] for message in messages}
    return Figures(
        channels=options.channels,
        answered=len(there),
        doubled=len(messages) - len(there),
        first_p50=median(waits),
        first_p99=waits[int(0.99 * (len(waits) - 1))],
        edits=len(every),
        edits_a_second=_most_within(every, 1.0),
        closest_edits=min(b - a for times in edits.values() for a, b in itertools.pairwise(times)),
        edits_in_five_seconds=max(_most_within(times, 5.0) for times in edits.values()),
        refused=sum(request["status"] == 429 for request in requests),  # noqa: PLR2004 - Too Many Requests
        sessions=sessions["identifies"] + sessions["resumes"],
        memory_mib=memory,
        idle_mib=idle,
        seconds=took,
    )


def sandbox_bot(sandbox: SandboxProcess) -> str:
    """Return the id of the bot's account."""
    return sandbox.application_id


async def _until_complete(folder: Path, channels: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while event_counts(folder)["reply.completed"] < channels:
            await asyncio.sleep(0.5)


def _waits(model: ModelServer, channels: Sequence[str], requests: Sequence[RequestRecord]) -> list[float]:
    """Return the seconds from each channel's first token to its first message, in order of length."""
    # The server's times are the loop's, the sandbox's are the epoch's.
    offset = time.time() - time.monotonic()
    first_tokens = {}
    for request in model.requests:
        said = str(request.body["messages"][-1]["content"]).split()
        first_tokens[channels[int(said[-1])]] = request.times[0] + offset
    posts = _by_channel(requests, "POST")
    return sorted(posts[channel][0] - first for channel, first in first_tokens.items())


def _by_channel(requests: Sequence[RequestRecord], method: str) -> Mapping[str, list[float]]:
    """Return when messages were posted or edited in each channel."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for request in requests:
        path = request["path"].split("/")
        if request["method"] == method and "messages" in path:
            found[path[path.index("channels") + 1]].append(request["at"])
    return found


def _most_within(times: Sequence[float], seconds: float) -> int:
    """Return how many of the times, which are in order, lie within so many seconds at most."""
    most = first = 0
    for at, moment in enumerate(times):
        while moment - times[first] >= seconds:
            first += 1
        most = max(most, at - first + 1)
    return most


def _show(figures: Figures) -> None:
    table = Table("answers shown while they are written", "", title=f"{figures.channels} channels at once")
    table.columns[1].justify = "right"
    for label, value in (
        ("answered", f"{figures.answered:,}"),
        ("doubled", f"{figures.doubled:,}"),
        ("first token of the model to first message, p50", f"{1000 * figures.first_p50:,.0f} ms"),
        ("the same, p99", f"{1000 * figures.first_p99:,.0f} ms"),
        ("edits", f"{figures.edits:,}"),
        ("edits in a second, all channels, at most", f"{figures.edits_a_second:,}"),
        ("edits of a channel, closest", f"{figures.closest_edits:,.2f} s"),
        ("edits of a channel in five seconds, at most", f"{figures.edits_in_five_seconds:,}"),
        ("requests that Discord refused (429)", f"{figures.refused:,}"),
        ("gateway sessions", f"{figures.sessions:,}"),
        ("peak memory of the bot", f"{figures.memory_mib:,.0f} MiB, idle {figures.idle_mib:,.0f}"),
        ("seconds until all was complete", f"{figures.seconds:,.1f}"),
    ):
        table.add_row(label, value)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
