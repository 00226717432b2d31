"""A minute of each storm: gateways that accept and drop, again and again, and what the bot makes of it.

    .venv/bin/python -m benchmarks.storms [--seconds 60] [--at-once 6]

Each storm has a sandbox and a bot of its own. Counted are the calls of the gateway and the sessions asked for while it
lasts, the bot's CPU time and what it logs; then a question is posted, the storm ends, and the answer is waited for.
Exit code 1 where a storm is called more than 20 times a minute, takes 3 % of a CPU or leaves the bot silent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.bots import CONFIG, cpu_seconds, running_bot
from bot.sandbox.process import SandboxProcess, sandbox_process

MOST_CALLS, MOST_CPU = 20, 3.0
"""Calls in a minute, and per cent of one CPU."""

PATIENCE = 60.0
"""Seconds for the bot to start, and to answer when the storm is over."""

STORMS: dict[str, dict[str, Any]] = {
    "cut before Hello": {"at": "connect", "does": "cut"},
    "1001 before Hello": {"at": "connect", "does": "close", "code": 1001},
    "silence, no Hello": {"at": "connect", "does": "silence"},
    "cut after Hello": {"at": "hello", "does": "cut"},
    "4000 after Hello": {"at": "hello", "does": "close", "code": 4000},
    "4009 for a session": {"at": "identify", "does": "close", "code": 4009},
    "op 7 for a session": {"at": "identify", "does": "reconnect"},
    "op 9 true for a session": {"at": "identify", "does": "invalid-session", "resumable": True},
    "op 9 false for a session": {"at": "identify", "does": "invalid-session"},
    "silence for a session": {"at": "identify", "does": "silence"},
    "4000 after RESUMED": {"at": "ready", "does": "close", "code": 4000},
    "op 7 after RESUMED": {"at": "ready", "does": "reconnect"},
    "op 9 true after RESUMED": {"at": "ready", "does": "invalid-session", "resumable": True},
    "op 9 false after READY": {"at": "ready", "does": "invalid-session"},
    "no session id, then cut": {"at": "ready", "does": "cut", "fields": {"session_id": None}},
    "200 instead of 101": {"at": "upgrade", "does": "page"},
    "READY that can't be read": {"at": "ready", "does": "cut", "fields": {"user": None}},
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a storm came to; ``answered`` is in seconds after its end, None where no answer came."""

    calls: int
    identifies: int
    cpu: float
    warnings: int
    lines: int
    answered: float | None

    def fine(self, seconds: float) -> bool:
        """Tell whether the bot kept to what is asked of it."""
        calls = MOST_CALLS * max(1.0, seconds / 60)
        return self.calls <= calls and self.cpu < MOST_CPU and self.warnings == 1 and self.answered is not None


async def main() -> int:
    """Measure and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="how long each storm lasts (default 60)")
    parser.add_argument("--at-once", type=int, default=6, help="storms at a time (default 6)")
    options = parser.parse_args()
    places = asyncio.Semaphore(options.at_once)

    async def one(storm: dict[str, Any]) -> Outcome:
        async with places:
            return await _weather(storm, options.seconds)

    outcomes = dict(zip(STORMS, await asyncio.gather(*map(one, STORMS.values())), strict=True))
    _print(outcomes, options.seconds)
    return int(not all(outcome.fine(options.seconds) for outcome in outcomes.values()))


async def _weather(storm: dict[str, Any], seconds: float) -> Outcome:
    with tempfile.TemporaryDirectory() as name:
        folder, output = Path(name), Path(name) / "bot.jsonl"
        settings = CONFIG.replace('log_level = "error"', 'log_level = "info"\nlog_format = "json"')
        async with sandbox_process(("--rate-limit", "off")) as sandbox:
            with output.open("wb") as sink:
                async with running_bot(folder, sandbox, settings, sink.fileno()) as process:
                    await sandbox.control.wait_for_ready(within=PATIENCE)
                    before, lines = await _counts(sandbox, process.pid), _lines(output)
                    await _storm(sandbox, storm)
                    await asyncio.sleep(seconds)
                    after, more = await _counts(sandbox, process.pid), _lines(output)[len(lines) :]
                    answered = await _recovery(sandbox)
    calls, identifies, cpu = (late - early for late, early in zip(after, before, strict=True))
    warnings = sum(line["event"] == "gateway.trouble" for line in more)
    return Outcome(int(calls), int(identifies), 100 * cpu / seconds, warnings, len(more), answered)


async def _storm(sandbox: SandboxProcess, storm: dict[str, Any]) -> None:
    if "fields" in storm:
        await sandbox.control.gateway("ready", fields=storm["fields"])
    await sandbox.control.gateway("storm", **{name: value for name, value in storm.items() if name != "fields"})
    # Where READY is changed, a new one has to come first.
    await sandbox.control.gateway("drop", invalidate="fields" in storm)


async def _counts(sandbox: SandboxProcess, pid: int) -> tuple[float, float, float]:
    """Return calls of the gateway, sessions asked for and the bot's CPU seconds so far."""
    sessions = await sandbox.control.sessions()
    return sessions["upgrades"], sessions["identifies"], cpu_seconds(pid)


def _lines(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines() if line.startswith("{")]


async def _recovery(sandbox: SandboxProcess) -> float | None:
    """Return the seconds from the storm's end to the answer to a question posted in it."""
    post = await sandbox.control.post("!still")
    await sandbox.control.gateway("calm")
    began = time.monotonic()
    try:
        await sandbox.control.wait_for_messages(reference=post["id"], within=PATIENCE)
    except TimeoutError:
        return None
    return time.monotonic() - began


def _print(outcomes: dict[str, Outcome], seconds: float) -> None:
    table = Table("storm", title=f"{seconds:g} s of each storm")
    for heading in ("calls", "identifies", "CPU %", "warnings", "log lines", "answered after", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, each in outcomes.items():
        answered = "never" if each.answered is None else f"{each.answered:.1f} s"
        verdict = "ok" if each.fine(seconds) else "[red]no[/]"
        numbers = map(str, (each.calls, each.identifies, f"{each.cpu:.2f}", each.warnings, each.lines, answered))
        table.add_row(name, *numbers, verdict)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
