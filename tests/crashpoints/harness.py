"""Every crash point tried with a real SIGKILL, and every pair of them on a smaller scenario.

    python -m tests.crashpoints.harness [--pairs N] [--jobs 2]

A scenario is played once to count the places where the outside world is touched: each commit and each HTTP request,
before it and after it took effect. Then it is played once per place, the bot killed there and started again. On the
small scenario the bot is killed once more at each place of the life that follows. Half of the runs have a Discord that
remembers nonces for five minutes, half one that forgets them at once.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Sequence

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.crashpoints.lives import Place
from tests.crashpoints.scenario import Result, play

Runs = Sequence[tuple[str, tuple[Place, ...]]]


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
    large = [("large", (place,)) for place in await places_of("large")]
    small = [("small", (place,)) for place in await places_of("small")]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        singles = [result async for result in tried([*large, *small], jobs, bar, "places")]
        pairs = spread([pair for result in singles for pair in second_kills(result)], most_pairs)
        doubles = [result async for result in tried(pairs, jobs, bar, "pairs")]
    minutes = (time.monotonic() - began) / 60
    report([*singles, *doubles], places=len(singles), pairs=len(pairs), minutes=minutes)
    return int(any(result.problems for result in (*singles, *doubles)))


def second_kills(result: Result) -> Runs:
    """Return the small scenario's run with a second kill, at each place of the life after the first."""
    if result.name != "small" or len(result.touches) <= 1:
        return []
    return [("small", (*result.places, place)) for place in result.touches[1].places(1)]


def spread(pairs: Runs, most: int) -> Runs:
    """Return at most ``most`` pairs (0: all), evenly chosen."""
    step = max(1, -(-len(pairs) // most)) if most else 1
    return pairs[::step]


async def tried(runs: Runs, jobs: int, bar: Progress, what: str) -> AsyncIterator[Result]:
    """Play runs, a few at a time, and yield each as it ends; every second one in a Discord that forgets nonces."""
    task = bar.add_task(what, total=len(runs))
    slots = asyncio.Semaphore(jobs)

    async def one(number: int, name: str, places: tuple[Place, ...]) -> Result:
        async with slots:
            return await play(name, places, nonce_window=300 if number % 2 else 0)

    for ended in asyncio.as_completed([one(number, *run) for number, run in enumerate(runs)]):
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
        "doubled": sum(verdict.doubled for verdict in verdicts),
        "lost": sum(verdict.lost for verdict in verdicts),
        "out of order": sum(verdict.out_of_order for verdict in verdicts),
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


async def places_of(scenario: str) -> list[Place]:
    """Play a scenario without a kill, and return every place of it."""
    result = await play(scenario, (), nonce_window=300)
    if result.problems:
        raise SystemExit(f"The {scenario} scenario fails without any kill: {result.problems}")
    return [place for life, touches in enumerate(result.touches) for place in touches.places(life)]


if __name__ == "__main__":
    sys.exit(main())
