"""A soak: half an hour at an even pace, to see what grows.

    .venv/bin/python -m benchmarks.soak [--minutes 30] [--rate 50] [--every 60] [--json]

People write at that many messages a second (recorded chat where it is at hand), and one in twenty asks the bot, which
a rule answers. Each line tells the bot's memory, its write-ahead log and database, its processor time and what waits.
At the end stand the growth of the memory, the largest write-ahead log, and what was lost or doubled; exit code 1 if
that is anything. Ctrl-C ends it early and still judges what there was; a second one ends it at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.compare.chat import RECORDING, chat_at
from benchmarks.compare.machine import machine
from benchmarks.soak_figures import WAL_LIMIT, Line, Outcome
from benchmarks.soak_run import Plan, soak

SIGNALLED = 128
"""The exit code of a process ended by a signal is this and the signal's number."""

COLUMNS: dict[str, tuple[int, Callable[[Line], str]]] = {
    "minute": (7, lambda line: f"{line.seconds / 60:.2f}"),
    "RSS MiB": (8, lambda line: f"{line.rss:.1f}"),
    "WAL MB": (7, lambda line: f"{line.wal:.2f}"),
    "db MB": (8, lambda line: f"{line.database:.1f}"),
    "CPU %": (6, lambda line: f"{line.cpu:.1f}"),
    "µs/message": (10, lambda line: f"{line.cost:,.0f}"),
    "posted": (9, lambda line: f"{line.posted:,}"),
    "recorded": (9, lambda line: f"{line.recorded:,}"),
    "pending": (7, lambda line: f"{line.pending:,}"),
    "answered": (8, lambda line: f"{line.answered:,}"),
}
"""Headings, their widths, and what stands below."""


def main() -> int:
    """Soak as the command line says and return the exit code."""
    options = _options()
    heard: list[int] = []
    try:
        fine = asyncio.run(_soaked(options, heard))
    except asyncio.CancelledError:
        fine = True
    if not fine:
        return 1
    return SIGNALLED + heard[0] if heard else 0


async def _soaked(options: argparse.Namespace, heard: list[int]) -> bool:
    """Soak, show how it went, and tell whether nothing is wrong; note the signals that were heard."""
    stopping = asyncio.Event()
    _listen(stopping, heard)
    plan = Plan(options.minutes * 60, options.rate, min(options.every, options.minutes * 60))
    chat = chat_at(options.chat)
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="soak-", dir=options.folder) as name:
        folder = Path(name)
        if options.json:
            _say({"plan": asdict(plan), "recorded_chat": chat.real, "machine": machine(folder)})
        else:
            print(" ".join(f"{heading:>{width}}" for heading, (width, _) in COLUMNS.items()), flush=True)  # noqa: T201
        tell = (lambda line: _say({"line": asdict(line)})) if options.json else _print
        outcome = await soak(plan, chat, folder, stopping=stopping, tell=tell)
    if options.json:
        _say({"verdict": outcome.to_json()})
    else:
        _show(outcome)
    return outcome.verdict.ok


def _listen(stopping: asyncio.Event, heard: list[int]) -> None:
    """Let the first signal end the run in good order, and the second one at once."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def hear(number: int) -> None:
        heard.append(number)
        if stopping.is_set() and task is not None:
            task.cancel()
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, hear, number)


def _say(record: dict[str, Any]) -> None:
    print(json.dumps(record, ensure_ascii=False), flush=True)  # noqa: T201 - JSON Lines


def _print(line: Line) -> None:
    print(" ".join(f"{text(line):>{width}}" for width, text in COLUMNS.values()), flush=True)  # noqa: T201 - as it comes


def _show(outcome: Outcome) -> None:
    verdict, growth = outcome.verdict, outcome.growth
    table = Table("soak", "", title="Ended early" if outcome.cut else None)
    table.add_row("posted, recorded, answered", f"{verdict.posted:,}, {verdict.recorded:,}, {verdict.answered:,}")
    table.add_row("lost, doubled, out of order", f"{verdict.lost}, {verdict.doubled}, {verdict.out_of_order}")
    within = "within" if outcome.largest_wal <= WAL_LIMIT else "above"
    table.add_row("largest WAL", f"{outcome.largest_wal:.2f} MB, {within} {WAL_LIMIT:g} MB")
    table.add_row(
        "growth of the memory", "too short to tell: caches fill for five minutes" if growth is None else str(growth)
    )
    screen = Console(width=None if sys.stdout.isatty() else 120)
    screen.print(table)
    for problem in verdict.problems[:20]:
        screen.print(f"  {problem}", markup=False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=_positive, default=30.0)
    parser.add_argument("--rate", type=_positive, default=50.0, help="messages a second (default 50)")
    parser.add_argument("--every", type=_positive, default=60.0, help="seconds that a line stands for (default 60)")
    parser.add_argument("--chat", type=Path, default=RECORDING, help="recorded chat, JSON Lines")
    parser.add_argument("--folder", type=Path, default=Path("build"), help="where the bot runs: a real disk (build)")
    parser.add_argument("--json", action="store_true", help="print JSON Lines: the plan, each line, the verdict")
    return parser.parse_args()


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above zero")
    return value


if __name__ == "__main__":
    sys.exit(main())
