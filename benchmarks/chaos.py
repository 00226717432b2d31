"""Chaos: real chat, kill -9 inside requests and at random moments, broken connections, sends that fail after all.

    .venv/bin/python -m benchmarks.chaos [--messages 10000] [--kills 140] [--troubles 100] [--nonce-window 300 0]

Each nonce window is a run of its own with a sandbox, a bot and a model's server as processes, and one more in which no
model answers; all go on side by side. In the end Discord's side is compared with the log. Exit code 1 if anything was
doubled, lost or out of order. A seed repeats what is posted and when things break; which instruction a kill meets is
the operating system's to say.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.status import Status
from rich.table import Table

from benchmarks.chaos_outcome import Outcome
from benchmarks.chaos_run import run
from benchmarks.chaos_script import Plan, recorded_chat
from bot.demo.judge import Fault, RunVerdict

MESSAGES, KILLS, TROUBLE_COUNT = 10_000, 140, 100
QUICK_MESSAGES, QUICK_KILLS, QUICK_TROUBLE_COUNT = 600, 12, 12
"""As much of it as takes a minute."""

COUNTED = (
    Fault.LOST,
    Fault.UNANSWERED,
    Fault.PHANTOM,
    Fault.DOUBLED,
    Fault.RECORDED_TWICE,
    Fault.UNASKED,
    Fault.OUT_OF_ORDER,
)
"""What the verdict calls lost, doubled or out of order."""

PROBLEMS_SHOWN = 20
INTERRUPTED, TERMINATED = 130, 143
"""The exit codes of a process ended by Ctrl-C and by SIGTERM."""


def main() -> int:
    """Run what the command line says and return the exit code."""
    options = _options()
    try:
        with _folder(options.keep) as folder:
            return _report(asyncio.run(_runs(options, folder)))
    except KeyboardInterrupt:
        return INTERRUPTED
    except asyncio.CancelledError:
        return TERMINATED


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="echoless-chaos-") as name:
            yield Path(name)
        return
    kept.mkdir(parents=True, exist_ok=True)
    if any(kept.iterdir()):
        sys.exit(f"{kept} is not empty: name a new folder.")
    yield kept.absolute()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--messages", type=_count, help=f"how many messages people post ({MESSAGES})")
    parser.add_argument("--kills", type=_count, help=f"how often the bot is killed ({KILLS})")
    parser.add_argument("--troubles", type=_count, help=f"how often something else goes wrong ({TROUBLE_COUNT})")
    parser.add_argument(
        "--post-accept-failures",
        type=_share,
        default=0.05,
        metavar="SHARE",
        help="the share of sends that fail after Discord took the message (%(default)s)",
    )
    parser.add_argument(
        "--nonce-window",
        type=_seconds,
        nargs="+",
        default=[300.0, 0.0],
        metavar="SECONDS",
        help="for how long Discord remembers a nonce; one run for each, one more without a model (300 0)",
    )
    parser.add_argument("--seed", type=int, default=1, help="another number, another run (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="as much of it as takes a minute")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and what the sandbox saw in a new folder")
    options = parser.parse_args()
    usual = (MESSAGES, KILLS, TROUBLE_COUNT)
    chosen = (QUICK_MESSAGES, QUICK_KILLS, QUICK_TROUBLE_COUNT) if options.quick else usual
    for name, value in zip(("messages", "kills", "troubles"), chosen, strict=True):
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 0 or more")
    return int(text)


def _share(text: str) -> float:
    number = _number(text)
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to below 1, such as 0.05")
    return number


def _seconds(text: str) -> float:
    number = _number(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")
    return number


def _number(text: str) -> float:
    """Return what a text says, or what is in no range."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


async def _runs(options: argparse.Namespace, folder: Path) -> list[Outcome]:
    task = asyncio.current_task()
    if task is not None:
        # Ctrl-C is asyncio's own; a supervisor that stops us, or a terminal that closes, must leave no process either.
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    chat = recorded_chat(options.seed)
    with Console(stderr=True).status("starting") as status:
        doing: dict[str, str] = {}
        runs = []
        windows = list(dict.fromkeys(options.nonce_window))
        for window, model in [*((window, True) for window in windows), (windows[0], False)]:
            place = folder / f"window-{window:g}{'' if model else '-rules'}"
            place.mkdir()
            plan = Plan(
                messages=options.messages,
                kills=options.kills,
                troubles=options.troubles,
                failures=options.post_accept_failures,
                nonce_window=window,
                seed=options.seed,
                model=model,
            )
            runs.append(run(plan, place, chat, _telling(status, doing, plan.name)))
        return list(await asyncio.gather(*runs))


def _telling(status: Status, doing: dict[str, str], name: str) -> Callable[[str], None]:
    def tell(what: str) -> None:
        doing[name] = what
        status.update(" | ".join(f"{key}: {text}" for key, text in doing.items()))

    return tell


def _report(outcomes: Sequence[Outcome]) -> int:
    table = Table("chaos", title="Chaos")
    rows = [_rows(outcome) for outcome in outcomes]
    for outcome in outcomes:
        table.add_column(outcome.seen.plan.name, justify="right")
    for label in rows[0]:
        table.add_row(label, *(row[label] for row in rows))
    screen = Console(width=None if sys.stdout.isatty() else 120)
    screen.print(table)
    for outcome in outcomes:
        _print_problems(screen, outcome)
    return int(not all(outcome.ok for outcome in outcomes))


def _rows(outcome: Outcome) -> Mapping[str, str]:
    verdict = outcome.verdict
    return {
        "posted": f"{verdict.posted:,}",
        "recorded": f"{verdict.recorded:,}",
        "addressed to the bot": f"{verdict.addressed:,}",
        "answered": f"{verdict.answered:,}",
        "messages of the answers": f"{verdict.replies:,}",
        "skipped": _by_reason(verdict.skipped),
        "abandoned": _by_reason(verdict.abandoned),
        "[bold]doubled": f"{verdict.doubled:,}",
        "[bold]lost": f"{verdict.lost:,}",
        "[bold]out of order (pairs)": f"{verdict.out_of_order:,}",
        "other problems": f"{_others(verdict):,}",
        "log": f"{outcome.events:,} events",
        "kills": f"{outcome.seen.kills:,}",
        "  of a connected bot": f"{outcome.seen.connected_kills:,}",
        "  inside a request": f"{sum(outcome.seen.inside.values()):,}",
        "  by place": _by_reason(outcome.seen.inside),
        "troubles": f"{sum(outcome.seen.troubles.values()):,}",
        "  by trouble": _by_reason(outcome.seen.troubles),
        "sessions, resumes": f"{outcome.sessions:,}, {outcome.resumes:,}",
        "sends failed after acceptance": f"{sum(outcome.failed_sends.values()):,}",
        "  by kind": _by_reason(outcome.failed_sends),
        "sent parts found by a look": f"{outcome.found:,}",
        "catch-ups cut short": f"{outcome.broken_catchups:,}",
        "waits for the model": f"{outcome.waits:,}",
        "minutes": f"{outcome.seen.seconds / 60:.1f}",
        "seed": f"{outcome.seen.plan.seed}",
    }


def _others(verdict: RunVerdict) -> int:
    """Return how many problems are none of the three above, such as a reply that the log does not know as sent."""
    return sum(1 for problem in verdict.problems if problem.fault not in COUNTED)


def _by_reason(counts: Mapping[str, int]) -> str:
    return "\n".join(f"{reason} {count:,}" for reason, count in sorted(counts.items())) or "0"


def _print_problems(screen: Console, outcome: Outcome) -> None:
    name = outcome.seen.plan.name
    if outcome.seen.trouble:
        screen.print(f"{name}: {outcome.seen.trouble}", style="red", markup=False)
    for problem in outcome.verdict.problems[:PROBLEMS_SHOWN]:
        screen.print(f"{name}: {problem}", style="red", markup=False)
    if len(outcome.verdict.problems) > PROBLEMS_SHOWN:
        screen.print(f"{name}: {len(outcome.verdict.problems) - PROBLEMS_SHOWN:,} more problems", style="red")


if __name__ == "__main__":
    sys.exit(main())
