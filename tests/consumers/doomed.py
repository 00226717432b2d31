"""Consumers that die by SIGKILL at their n-th step, for every n; then a second life ends what the first began.

``python -m tests.consumers.doomed FOLDER table|files|rebuilt [EVERY]``: at each step, or every so many. A step is a
statement of a consumer's own database, or a change of a file: each death comes just before one, so also just after the
one before. Each life is a fork of this process, which has everything imported. Prints how often it died, and what a
second life left wrong.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from bot.consumers import Consumer, store
from bot.consumers.consumers import FOLDER, Consumers
from bot.consumers.follower import Patience
from bot.consumers.jsonl import Jsonl
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from tests.consumers.following import Table, caught_up, filled

EVENTS = 5
BAD = 4
"""The position of an event that can't be handled."""
_TUNED = store._tuned
_FILES = frozenset(("os.rename", "os.remove", "os.truncate"))


class Doom:
    """Kills this process at a step of the consumers' files (0: never)."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.steps = 0

    def watch(self, connection: sqlite3.Connection) -> None:
        """Count the statements of a consumer's own database."""
        connection.set_trace_callback(self.count)
        _TUNED(connection)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Count an audit event of Python's (docs: "Audit events table")."""
        if event in _FILES or (event == "open" and str(arguments[0]).endswith(".jsonl")):
            self.count("")

    def count(self, _statement: str) -> None:
        """Count a step; die at the one that is this life's last."""
        self.steps += 1
        if self.steps == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def consumer(scenario: str, folder: Path) -> Consumer:
    """Return the consumer of a scenario."""
    if scenario == "files":
        files = Jsonl(folder / "files")
        files.name, files.batch_size = "jsonl", 3
        return files
    table = Table()
    table.batch_size = 3
    table.fails = {BAD: ValueError()}
    if scenario == "rebuilt":
        table.version = 2
    return table


async def live(scenario: str, folder: Path) -> None:
    """Open the log and have the consumer see all of it."""
    log = await open_log(Location(folder), clock=iter(range(10**9, 2 * 10**9)).__next__, full=False)
    consumers = Consumers([consumer(scenario, folder)], lambda: 1, Patience(2, 0.0))
    async with consumers.of(log):
        await caught_up(consumers)
    await log.close()


def outcome(scenario: str, folder: Path) -> object:
    """Return what is there after all."""
    within = folder / FOLDER
    if scenario == "files":
        return [
            json.loads(line)["position"] for path in folder.glob("files/*") for line in path.read_text().splitlines()
        ]
    with closing(sqlite3.connect(within / "table.db")) as raw:
        rows = raw.execute("SELECT number, position, key FROM seen ORDER BY number").fetchall()
        parked = raw.execute("SELECT position FROM echoless_parked").fetchall()
    return rows, parked, sorted(path.name for path in within.iterdir())


def forked(doom: Doom, work: Callable[[], object]) -> int:
    """Run ``work`` in a process of its own; return the status that it ended with."""
    child = os.fork()
    if not child:
        sys.addaudithook(doom.hear)
        store._tuned = doom.watch  # type: ignore[assignment]  # the seam of this test
        try:
            work()
        except BaseException:  # noqa: BLE001 - the parent reports it
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def main() -> None:
    """Die at every step, and print what came of it."""
    folder, scenario = Path(sys.argv[1]), sys.argv[2]
    every = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    start, life = folder / "start", folder / "life"
    forked(Doom(0), lambda: asyncio.run(begin(scenario, start)))
    shutil.copytree(start, life)
    assert not forked(Doom(0), lambda: asyncio.run(live(scenario, life)))
    expected, wrong, died = outcome(scenario, life), [], 0
    for step in count(1, every):
        shutil.rmtree(life)
        shutil.copytree(start, life)
        ended = forked(Doom(step), lambda: asyncio.run(live(scenario, life)))
        if ended != signal.SIGKILL:
            break
        died += 1
        if forked(Doom(0), lambda: asyncio.run(live(scenario, life))) or outcome(scenario, life) != expected:
            wrong.append([step, str(outcome(scenario, life))])
    print(json.dumps({"died": died, "wrong": wrong, "expected": expected}))  # noqa: T201 - for who began it


async def begin(scenario: str, folder: Path) -> None:
    """Make a log; where a consumer is to be rebuilt, one that was made by another version of it."""
    log = await open_log(Location(folder), clock=iter(range(10**9)).__next__, full=False)
    await filled(log, EVENTS)
    await log.close()
    if scenario == "rebuilt":
        await live("table", folder)


if __name__ == "__main__":
    main()
