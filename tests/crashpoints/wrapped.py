"""The examples killed with a real SIGKILL: at every place, and the ticket bot again and again while people use it.

    python -m tests.crashpoints.wrapped [tickets] [--kills 200] [--places 20] [--plain] [--jobs 2] [--seed 1]

First each example is played once to count the places where it touches the outside world: each commit and each HTTP
request, before it and after it took effect. Then it is played for each place, killed there and started again: once with
a Discord that remembers nonces for five minutes, once with one that forgets them at once. With ``--kills`` the ticket
bot is killed that many times instead, at places chosen at random, while four people press its button. ``--plain`` takes
the examples without the log, which lose and double: they are given three seconds to do what they were to do.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.crashpoints.acts import ACTS, BOT, Outcome, Stage
from tests.crashpoints.harness import WINDOWS, progress, spread
from tests.crashpoints.lives import Lives, Place, Touches
from tests.crashpoints.nursery import ROOT, Nursery, nursery
from tests.waiting import PATIENCE, eventually

PLAIN_PATIENCE = 3.0
CROWD = 4
MOST_REQUESTS, MOST_COMMITS = 30, 30
"""In which requests and commits of a life the ticket bot dies that people use: at most in these."""


class ExampleLives(Lives):
    """Starts an example again whenever it is killed; ``script`` is its path below ``examples/``."""

    script: str = ""

    def settle_in(self) -> None:
        """Need nothing in the folder."""

    def program(self) -> tuple[str, list[str]]:
        """Return the nursery's program that plays it."""
        sandbox = self._sandbox
        script = str(ROOT / "examples" / f"{self.script}.py")
        return "example", [script, sandbox.api_url, sandbox.gateway_url, str(self._tally)]


@dataclass(frozen=True, slots=True)
class Result:
    """How one run ended."""

    name: str
    places: tuple[Place, ...]
    touches: tuple[Touches, ...]
    kills: int
    outcome: Outcome
    presses: int = 0
    promised: int = 0

    @property
    def failed(self) -> bool:
        """Tell whether anything is wrong."""
        return self.outcome != Outcome(0, 0)


@dataclass(frozen=True, slots=True)
class Run:
    """One run to come: an example with the log or without it, where it dies, and how long Discord knows a nonce."""

    name: str
    places: tuple[Place, ...] = ()
    nonce_window: float = 300
    plain: bool = False
    kills: int = 0


async def play(children: Nursery, run: Run) -> Result:
    """Play an act in a world of its own, killing the example, and judge it."""
    act = ACTS[run.name]
    with tempfile.TemporaryDirectory(prefix="echoless-") as made:
        async with AsyncExitStack() as stack:
            options = ("--rate-limit", "off", "--global-rate-limit", "off", "--nonce-window", str(run.nonce_window))
            sandbox = await stack.enter_async_context(children.sandbox(Path(made), *options))
            for role, permissions in act.roles.items():
                users = [BOT] if permissions else []
                await sandbox.control.create_role(role, permissions=list(permissions), users=users)
            lives = ExampleLives(Path(made), children, sandbox, run.places)
            lives.script = run.name if run.plain else f"wrapped/{run.name}"
            stage = Stage(sandbox.control, lives)
            stack.push_async_callback(lives.stop)
            await lives.start()
            await (used(stage, run.kills) if run.kills else act.play(stage))
            await settled(stage, run)
            await lives.stop()
            outcome = await act.outcome(stage)
    presses, promised = stage.presses.total(), stage.promised.total()
    return Result(run.name, run.places, tuple(lives.touches), lives.kills, outcome, presses, promised)


async def settled(stage: Stage, run: Run) -> None:
    """Wait until nothing is missing, which without the log may never be so."""

    async def whole() -> bool:
        return not (await ACTS[run.name].outcome(stage)).lost

    with suppress(TimeoutError):
        async with asyncio.timeout(PLAIN_PATIENCE if run.plain else PATIENCE):
            await eventually(whole)


async def used(stage: Stage, kills: int) -> None:
    """Have people press the button of the ticket bot until it was killed often enough."""
    await stage.post_panel()

    async def person(number: int) -> None:
        asked = 0
        while stage.lives.kills < kills:
            asked += 1
            if not await stage.press(f"person {number}.{asked}"):
                await stage.control.wait_for_ready()

    await asyncio.gather(*(person(number) for number in range(CROWD)))
    stage.lives.spare()


def doomed_at_random(kills: int, *, plain: bool, seed: int) -> tuple[Place, ...]:
    """Return a place to die at for each of so many lives: in a request or, where there is a log, in a commit."""
    dice = random.Random(seed)
    most = {"request": MOST_REQUESTS} if plain else {"request": MOST_REQUESTS, "commit": MOST_COMMITS}
    kinds = [dice.choice(list(most)) for _ in range(kills)]
    return tuple(
        Place(life, kind, dice.randint(1, most[kind]), dice.choice(("before", "after")))
        for life, kind in enumerate(kinds)
    )


async def everywhere(
    children: Nursery, names: Sequence[str], *, plain: bool, most: int = 0, jobs: int = 2
) -> list[Result]:
    """Play each example for each of its places, or for at most so many of them, evenly chosen."""
    runs: list[Run] = []
    for name in names:
        whole = await play(children, Run(name, plain=plain))
        if whole.failed:
            raise SystemExit(f"The example {name} fails without any kill: {whole.outcome}")
        places = [place for life, touches in enumerate(whole.touches) for place in touches.places(life)]
        runs += spread([Run(name, (place,), window, plain) for place in places for window in WINDOWS], most)
    slots = asyncio.Semaphore(jobs)
    with progress() as bar:
        task = bar.add_task("places", total=len(runs))

        async def one(run: Run) -> Result:
            async with slots:
                result = await play(children, run)
            bar.advance(task)
            return result

        return list(await asyncio.gather(*(one(run) for run in runs)))


def rows_of(results: Sequence[Result]) -> Mapping[str, int]:
    """Return the figures of runs."""
    return {
        "runs": len(results),
        "kills": sum(result.kills for result in results),
        "presses": sum(result.presses for result in results),
        "presses answered": sum(result.promised for result in results),
        "doubled": sum(result.outcome.doubled for result in results),
        "lost": sum(result.outcome.lost for result in results),
        "runs with any problem": sum(result.failed for result in results),
    }


def report(results: Sequence[Result], title: str, began: float) -> None:
    """Print the figures, each example's in a column, and where it went wrong."""
    names = list(dict.fromkeys(result.name for result in results))
    table = Table("", *names, title=title)
    columns = [rows_of([result for result in results if result.name == name]) for name in names]
    for label in columns[0]:
        table.add_row(label, *(f"{column[label]:,}" for column in columns))
    console = Console()
    console.print(table)
    for result in results:
        if result.failed and len(result.places) == 1:
            where = f"{result.name}: {result.places[0]}: "
            console.print(f"{where}{result.outcome.doubled} doubled, {result.outcome.lost} lost", highlight=False)
    console.print(f"{time.monotonic() - began:.0f} seconds")


async def run(options: argparse.Namespace) -> int:
    """Run what the command line says, and return the exit code."""
    began, form = time.monotonic(), "without the log" if options.plain else "with the log"
    async with nursery() as children:
        if options.kills:
            # A life in which nothing of the kind happens so often is not a kill: people go on until there are enough.
            places = doomed_at_random(options.kills * 2, plain=options.plain, seed=options.seed)
            results = [await play(children, Run("tickets", places, options.window, options.plain, options.kills))]
        else:
            results = await everywhere(
                children, options.examples, plain=options.plain, most=options.places, jobs=options.jobs
            )
    report(results, f"Examples {form}, killed by SIGKILL", began)
    return int(any(result.failed for result in results))


def main() -> int:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", nargs="*", choices=[[], *ACTS], help="which examples (default: all)")
    parser.add_argument("--kills", type=int, default=0, help="kill the ticket bot so many times while people use it")
    parser.add_argument("--places", type=int, default=0, help="try only so many runs for each (default: all)")
    parser.add_argument("--plain", action="store_true", help="take the examples without the log")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--seed", type=int, default=1, help="where the ticket bot dies that people use")
    parser.add_argument("--window", type=float, default=0, help="seconds for which Discord then knows a nonce")
    options = parser.parse_args()
    options.examples = options.examples or list(ACTS)
    return asyncio.run(run(options))


if __name__ == "__main__":
    sys.exit(main())
