"""Echoless side by side with what one would pick instead, in rounds that alternate between all of them.

    .venv/bin/python -m benchmarks.compare [--quick] [--only append,replay] [--runs 5] [--folder DIR] [--json]
    .venv/bin/python -m benchmarks.compare --trend

Only ratios of one round mean anything: machines change their speed from one minute to the next. Figures are medians of
the rounds, ratios the medians of the rounds' ratios. No timing fails a run; a contender that breaks does.

A whole run is kept in benchmarks/results, with a line in its trend.jsonl; others go to build/. --trend shows how the
ratios went from commit to commit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

with warnings.catch_warnings():
    # discord.py imports audioop, which Python 3.13 leaves out and 3.11 warns about.
    warnings.simplefilter("ignore", DeprecationWarning)
    from benchmarks.compare import measure_intake, measure_process, measure_reply
from benchmarks.compare import (
    documents,
    measure_append,
    measure_disk,
    measure_growth,
    measure_open_loop,
    measure_soak,
    measure_state,
    picture,
    results,
    trend,
)
from benchmarks.compare.bench import BURST, QUICK_BURST, Bench, checked_burst
from benchmarks.compare.chat import RECORDING
from benchmarks.compare.figures import Row
from benchmarks.compare.revision import revision
from bot.interpreter import settle

MEASURES: Mapping[str, Callable[[Bench], Awaitable[list[Row]]]] = {
    "append": measure_append.at_once,
    "alone": measure_append.alone,
    "open": measure_open_loop.open_loop,
    "replay": measure_state.replay,
    "cold": measure_state.cold,
    "start": measure_process.start,
    "ready": measure_process.ready,
    "intake": measure_intake.intake,
    "reply": measure_reply.reply,
    "memory": measure_process.memory,
    "disk": measure_disk.disk,
    "soak": measure_soak.soaked,
    "growth": measure_growth.growth,
}
RUNS, QUICK_RUNS = 5, 3
BUILD = Path("build")
INTERRUPTED, TERMINATED = 130, 143
"""The exit codes of a process ended by Ctrl-C and by SIGTERM."""


def main() -> int:
    """Measure what the command line says and return the exit code."""
    options = _options()
    screen = Console(width=None if sys.stdout.isatty() else 180)
    if options.trend:
        trend.show(screen, trend.PATH)
        return 0
    # As `echoless run` does for itself; those who share this process have the same of it.
    settle()
    options.folder.mkdir(parents=True, exist_ok=True)
    measured = revision(results.ROOT)
    try:
        with tempfile.TemporaryDirectory(prefix="compare-", dir=options.folder) as name:
            bench = Bench(Path(name), options.chat, options.runs, options.quick, options.big, options.burst)
            rows, broken = asyncio.run(_measured(bench, options.only))
            found = results.to_json(bench, measured, rows)
    except KeyboardInterrupt:
        return INTERRUPTED
    except asyncio.CancelledError:
        return TERMINATED
    _keep(screen, found, whole=_whole(options) and not broken, as_json=options.json)
    for name, trouble in broken.items():
        sys.stderr.write(f"{name} broke:\n{trouble}\n")
    return int(bool(broken))


async def _measured(bench: Bench, chosen: Sequence[str]) -> tuple[dict[str, list[Row]], dict[str, str]]:
    """Return the rows of each measurement, and the trouble of those that broke while the others went on."""
    task = asyncio.current_task()
    if task is not None:
        # Ctrl-C is asyncio's own; a supervisor that stops us must leave no process either.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    rows: dict[str, list[Row]] = {}
    broken: dict[str, str] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        whole = progress.add_task("starting", total=len(chosen))
        for place, name in enumerate(chosen):

            def tell(text: str, done: int, total: int, place: int = place) -> None:
                progress.update(whole, description=text, completed=place + done / total)

            bench.tell = tell
            tell(name, 0, 1)
            began = time.monotonic()
            try:
                rows[name] = await MEASURES[name](bench)
            except Exception:  # noqa: BLE001 - whatever it is, the run goes on, tells and fails
                rows[name], broken[name] = [], traceback.format_exc()
            bench.seconds[name] = round(time.monotonic() - began, 1)
    return rows, broken


def _whole(options: argparse.Namespace) -> bool:
    """Tell whether a run can stand for the commit."""
    usual = options.only == tuple(MEASURES) and options.burst == BURST
    return usual and not options.quick and options.runs >= RUNS


def _keep(screen: Console, found: Mapping[str, Any], *, whole: bool, as_json: bool) -> None:
    """Write a run to where it belongs, and show it."""
    folder = results.FOLDER if whole else BUILD
    file, drawn = folder / f"{found['name']}.json", folder / f"{found['name']}.svg"
    results.write(file, found)
    picture.draw(found, drawn)
    written = [file, drawn]
    if whole:
        trend.append(trend.PATH, trend.entry(found))
        written += [trend.PATH, *documents.update(results.ROOT, results.FOLDER)]
    if as_json:
        sys.stdout.write(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        return
    results.show(screen, found)
    screen.print(f"Written: {', '.join(os.path.relpath(path) for path in written)}.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes and three rounds: under two minutes")
    parser.add_argument("--big", action="store_true", help="let the log grow to 10,000,000 events")
    parser.add_argument("--only", type=_names, default=tuple(MEASURES), help=f"some of {','.join(MEASURES)}")
    parser.add_argument("--runs", type=int, help=f"rounds ({RUNS}, quick {QUICK_RUNS})")
    parser.add_argument("--burst", type=_burst, help="messages that Discord holds ready for the intake (18000)")
    parser.add_argument("--chat", type=Path, default=RECORDING, help="recorded chat, JSON Lines")
    parser.add_argument("--folder", type=Path, default=BUILD, help="where to measure: a real disk (build)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of a table")
    parser.add_argument("--trend", action="store_true", help="show the kept ratios by commit, and measure nothing")
    options = parser.parse_args()
    options.runs = options.runs or (QUICK_RUNS if options.quick else RUNS)
    options.burst = options.burst or (QUICK_BURST if options.quick else BURST)
    return options


def _burst(text: str) -> int:
    try:
        return checked_burst(int(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(MEASURES)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
