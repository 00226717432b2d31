"""Every crash point tried with a real SIGKILL, and every pair of them on a smaller scenario.

    python -m tests.crashpoints.harness [--pairs N] [--jobs 2]

A scenario is played once to count the places where the outside world is touched: each commit and each HTTP request,
before it and after it took effect; in the crowded one, each commit that has another batch queued behind it. Then it is
played for each place, the bot killed there and started again: once with a Discord that remembers nonces for five
minutes, once with one that forgets them at once. On the short scenarios, an answer of two parts, one that is shown
while it is written, one that Discord takes without a reference only, one for which tools are called, one in a thread of
its own, and one that is stopped, then gone on with or written anew by buttons, the bot is killed once more at each
place of the life that follows.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bot.demo.judge import Fault
from tests.crashpoints.lives import Place
from tests.crashpoints.nursery import Nursery, nursery
from tests.crashpoints.scenario import CROWDED, Result, play

SCENARIOS = ("large", CROWDED, "small", "streamed", "plain", "tools", "threaded", "pressed", "rewritten")
WINDOWS = (300, 0)
"""Seconds for which a nonce is remembered."""

T = TypeVar("T")

ATTEMPTS = 4
"""How often a run is played until its places are reached: commits of several channels may be one, several or queued."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run to come."""

    name: str
    places: tuple[Place, ...]
    nonce_window: float


def main() -> int:
    """Try all places and pairs, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=0, help="try only so many pairs, spread evenly (default: all)")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return asyncio.run(crash(options.pairs, options.jobs))


async def crash(most_pairs: int, jobs: int) -> int:
    """Run everything, print the table, and return the exit code."""
    began = time.monotonic()
    async with nursery() as children:
        places = [(name, place) for name in SCENARIOS for place in await places_of(children, name)]
        runs = [Run(name, (place,), window) for name, place in places for window in WINDOWS]
        with progress() as bar:
            singles = [result async for result in tried(children, runs, jobs, bar, "places")]
            pairs = spread([pair for result in singles for pair in second_kills(result)], most_pairs)
            doubles = [result async for result in tried(children, pairs, jobs, bar, "pairs")]
    minutes = (time.monotonic() - began) / 60
    distinct = len({run.places for run in pairs})
    report([*singles, *doubles], places=len(places), pairs=distinct, minutes=minutes)
    return int(any(result.problems for result in (*singles, *doubles)))


def progress() -> Progress:
    """Return a bar that shows how many runs are done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def second_kills(result: Result) -> list[Run]:
    """Return a short scenario's run with a second kill, at each place of the life after the first."""
    if result.name in {"large", CROWDED} or len(result.touches) <= 1:
        return []
    places = result.touches[1].places(1)
    return [Run(result.name, (*result.places, place), result.nonce_window) for place in places]


def spread(runs: list[T], most: int) -> list[T]:
    """Return at most ``most`` runs (0: all), evenly chosen."""
    step = max(1, -(-len(runs) // most)) if most else 1
    return runs[::step]


async def attempted(children: Nursery, run: Run) -> Result:
    """Play a run, again where things went so otherwise that a place was never reached."""
    for _ in range(ATTEMPTS - 1):
        result = await play(children, run.name, run.places, nonce_window=run.nonce_window)
        if result.problems or result.kills == len(run.places):
            return result
    return await play(children, run.name, run.places, nonce_window=run.nonce_window)


async def tried(children: Nursery, runs: Sequence[Run], jobs: int, bar: Progress, what: str) -> AsyncIterator[Result]:
    """Play runs, a few at a time, and yield each as it ends."""
    task = bar.add_task(what, total=len(runs))
    slots = asyncio.Semaphore(jobs)

    async def one(run: Run) -> Result:
        async with slots:
            return await attempted(children, run)

    for ended in asyncio.as_completed([one(run) for run in runs]):
        yield await ended
        bar.advance(task)


def report(results: Sequence[Result], *, places: int, pairs: int, minutes: float) -> None:
    """Print what came of it, and each run that went wrong."""
    verdicts = [result.verdict for result in results]
    rows = {
        "places": places,
        "pairs of places": pairs,
        "runs": len(results),
        "kills": sum(result.kills for result in results),
        "places never reached": sum(len(result.places) - result.kills for result in results),
        "doubled": sum(verdict.doubled for verdict in verdicts),
        "lost": sum(verdict.lost for verdict in verdicts),
        "out of order": sum(verdict.out_of_order for verdict in verdicts),
        "log damaged": sum(any(each.fault is Fault.DAMAGED for each in verdict.problems) for verdict in verdicts),
        "runs with any problem": sum(bool(result.problems) for result in results),
        "minutes": round(minutes, 1),
    }
    table = Table("crash points", "", title="The bot killed at every place where it touches the outside world")
    table.columns[1].justify = "right"
    for label, value in rows.items():
        table.add_row(label, f"{value:,}")
    console = Console()
    console.print(table)
    for result in results:
        if result.problems:
            console.print(f"{', '.join(map(str, result.places))}: {'; '.join(result.problems)}", highlight=False)


async def places_of(children: Nursery, scenario: str) -> list[Place]:
    """Play a scenario without a kill, and return every place of it."""
    result = await play(children, scenario, (), nonce_window=300)
    if result.problems:
        raise SystemExit(f"The {scenario} scenario fails without any kill: {result.problems}")
    within = [Place(0, "tool", 1, when) for when in ("before", "after")] if scenario == "tools" else []
    return within + [
        place
        for life, touches in enumerate(result.touches)
        for place in touches.places(life, crowded=scenario == CROWDED)
    ]


if __name__ == "__main__":
    sys.exit(main())
