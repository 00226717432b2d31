"""The delivery judge over several hosts: owners are killed, links are cut, and standbys go on.

    make hosts [KILLS=100] [CUTS=30] [SHARDS=2] [SEED=2]

Each nonce window is a run of its own: bots with their log in one PostgreSQL, on hosts that are network namespaces of
Linux, which only root can make. Each shard has one partition of the log, and one process on every host. The owner is
killed with SIGKILL, inside a request or at random moments, and started again as a standby; the links of its host to
the engine and to Discord are cut, at either end, for less or more than a takeover takes. In the end Discord's side is
compared with folders that are made anew from the engine, one for each partition. Exit code 1 if anything was doubled,
lost or out of order.
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
from collections.abc import Callable, Sequence
from pathlib import Path

import asyncpg
import structlog
from rich.console import Console
from rich.table import Table

from benchmarks.chaos_script import Line, recorded_chat
from benchmarks.chaos_talk import Talk
from benchmarks.hosts import network
from benchmarks.hosts.bots import Claims, standbys
from benchmarks.hosts.outcome import Outcome, judged
from benchmarks.hosts.run import Takeovers
from benchmarks.hosts.script import Plan
from bot.demo.bot_process import DemoError
from bot.sandbox.process import sandbox_process
from tests.engines.server import listening

INSIDE = "--inside"
"""Is said to the process that runs on a host of its own."""
INTERRUPTED, TERMINATED = 130, 143
PROBLEMS_SHOWN = 20


def main() -> int:
    """Run what the command line says and return the exit code."""
    options = _options(sys.argv[1:])
    if why_not := network.why_not():
        sys.exit(why_not)
    if not options.inside:
        command = network.entering((sys.executable, "-m", "benchmarks.hosts", INSIDE, *sys.argv[1:]))
        os.execvp(command[0], command)  # noqa: S606 - found on PATH, as ip is
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        return asyncio.run(_main(options))
    except KeyboardInterrupt:
        return INTERRUPTED
    except asyncio.CancelledError:
        return TERMINATED


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hosts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=100, help="how often an owner is killed (%(default)s)")
    parser.add_argument("--cuts", type=int, default=30, help="how often its links are cut (%(default)s)")
    parser.add_argument("--messages", type=int, default=5000, help="how many messages people post (%(default)s)")
    parser.add_argument(
        "--nonce-window",
        type=float,
        nargs="+",
        default=[300.0, 0.0],
        metavar="SECONDS",
        help="for how long Discord remembers a nonce; one run for each (300 0)",
    )
    parser.add_argument("--takeover", type=float, default=3.0, metavar="SECONDS", help="log.takeover (%(default)s)")
    parser.add_argument("--hosts", type=int, default=2, help="how many hosts (%(default)s)")
    parser.add_argument("--shards", type=int, default=1, choices=(1, 2, 4, 8), help="how many shards (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another number, another run (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and what the sandbox saw in a new folder")
    return parser.parse_args(arguments)


async def _main(options: argparse.Namespace) -> int:
    task = asyncio.current_task()
    if task is not None:
        # Ctrl-C is asyncio's own; a supervisor that stops us, or a terminal that closes, must leave no process either.
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await network.prepare()
    if options.keep:
        options.keep.mkdir(parents=True)
        return _report(await _runs(options, options.keep.absolute()), as_json=options.json)
    with tempfile.TemporaryDirectory(prefix="echoless-hosts-") as folder:
        return _report(await _runs(options, Path(folder)), as_json=options.json)


async def _runs(options: argparse.Namespace, folder: Path) -> list[Outcome]:
    """Play every nonce window, side by side."""
    chat = recorded_chat(options.seed)
    doing: dict[str, str] = {}
    with Console(stderr=True).status("starting") as status:

        def telling(name: str) -> Callable[[str], None]:
            def tell(what: str) -> None:
                doing[name] = what
                status.update(" | ".join(f"{key}: {text}" for key, text in doing.items()))

            return tell

        # The engine's address is there once a host is.
        async with network.hosts(options.hosts * len(options.nonce_window)) as hosts:
            with listening(network.ADDRESSES["engine"]) as server:
                plays = []
                for number, window in enumerate(options.nonce_window):
                    plan = Plan(
                        kills=options.kills,
                        cuts=options.cuts,
                        messages=options.messages,
                        nonce_window=window,
                        seed=options.seed,
                        takeover=options.takeover,
                        hosts=options.hosts,
                        shards=options.shards,
                    )
                    own = hosts[number * options.hosts :][: options.hosts]
                    place = folder / f"window-{window:g}"
                    place.mkdir()
                    plays.append(_run(plan, place, f"{server}?search_path=w{number}", own, chat, telling(plan.name)))
                return list(await asyncio.gather(*plays))


async def _run(
    plan: Plan,
    folder: Path,
    address: str,
    hosts: list[network.Host],
    chat: Sequence[Line],
    tell: Callable[[str], None],
) -> Outcome:
    began = time.monotonic()
    arguments = (
        "--host",
        network.ADDRESSES["discord"],
        "--rate-limit",
        "off",
        "--nonce-window",
        f"{plan.nonce_window:g}",
    )
    async with (
        asyncpg.create_pool(address, min_size=1) as engine,
        sandbox_process(arguments) as sandbox,
        standbys(plan, folder, address, sandbox, hosts) as bots,
    ):
        await engine.execute(f"CREATE SCHEMA {address.rpartition('=')[2]}")
        talk = Talk(sandbox, chat, plan.shards)
        played = Takeovers(plan, sandbox, bots, Claims(engine, bots), talk, tell)
        trouble = await _played(played)
        tell("judging")
        return await judged(played, folder, address, sandbox, began, trouble)


async def _played(played: Takeovers) -> str:
    """Play; return why it was cut short, "" if it was not."""
    try:
        await played.play()
    except (DemoError, TimeoutError) as error:
        return f"cut short: {error!r}"
    except ExceptionGroup as group:
        if group.split((DemoError, TimeoutError))[1]:
            raise
        return f"cut short: {group!r}"
    return ""


def _report(outcomes: Sequence[Outcome], *, as_json: bool) -> int:
    code = int(not all(outcome.ok for outcome in outcomes))
    if as_json:
        sys.stdout.write(json.dumps({"ok": not code, "runs": [each.to_json() for each in outcomes]}) + "\n")
        return code
    table = Table("hosts", title="Owners killed, links cut, standbys that go on")
    rows = [outcome.rows() for outcome in outcomes]
    for outcome in outcomes:
        table.add_column(outcome.plan.name, justify="right")
    for label in rows[0]:
        table.add_row(label, *(row[label] for row in rows))
    screen = Console(width=None if sys.stdout.isatty() else 120)
    screen.print(table)
    for outcome in outcomes:
        wrong = [outcome.trouble] if outcome.trouble else []
        for problem in (*wrong, *outcome.verdict.problems[:PROBLEMS_SHOWN]):
            screen.print(f"{outcome.plan.name}: {problem}", style="red", markup=False)
    return code


if __name__ == "__main__":
    sys.exit(main())
