"""How long nobody answers when the owner of a long log in PostgreSQL is killed and a standby goes on.

    .venv/bin/python -m benchmarks.takeover [--events 1000000] [--times 5]

A log of so many events is made and pushed into a PostgreSQL of its own; two bots follow it and take turns: the owner is
killed with SIGKILL, a question is asked, and the time goes on until its answer is in the sandbox's Discord. The standby
can't know of the end before the takeover time (``log.takeover``) is over, so what is above that is the bot's own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from itertools import count
from pathlib import Path
from statistics import median

from bot.core import events as e
from bot.demo import postgresql
from bot.demo.bot_process import TAKEOVER_SECONDS, BotProcess, bot_process
from bot.demo.playground import VARIABLES, demo_facts
from bot.eventlog import pushing
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.eventlog.remote.opening import Engine
from bot.sandbox.process import SandboxProcess, sandbox_process
from tests.engines.emulators import partition_of

STREAMS = 50
BATCH = 500
"""Events of one append: many at once take the least time."""
WORDS = e.Body(name="Ada", parts=("hello " * 10,))
PATIENCE = 600.0
"""Seconds for a step, as the following of a long log on a busy machine."""


async def fill(folder: Path, address: str, events: int, channel_id: int) -> float:
    """Make a log in a folder, a part of it in a channel that is there; return the seconds of its push."""
    clock = count(1_700_000_000_000_000, 1000).__next__
    log = await open_log(Location(folder), clock=clock, full=False)
    for number in range(0, events, BATCH):
        stream = channel_id if number % (STREAMS * BATCH) == 0 else 1 + number % (STREAMS * BATCH)
        received = (e.MessageReceived(message_id=number + each + 1, author_id=7, sent_at=1) for each in range(BATCH))
        await log.append(f"channel:{stream}", [e.Draft(event, WORDS, subject_id=7) for event in received])
    await log.close()
    began = time.perf_counter()
    await pushing.push(Location(folder), Engine(partition_of(address), time.monotonic), clock=clock, progress=_ignore)
    return time.perf_counter() - began


def _ignore(_done: int, _total: int) -> None:
    pass


async def measure(folder: Path, events: int, times: int) -> None:
    """Print what each takeover took, and their median."""
    async with AsyncExitStack() as stack:
        address = stack.enter_context(postgresql.running())
        sandbox = await stack.enter_async_context(sandbox_process(("--rate-limit", "off")))
        pushed = await fill(folder / "made", address, events, int(sandbox.channel_id))
        bots = []
        for name in ("one", "other"):
            own = folder / name
            (own / "data").mkdir(parents=True, mode=0o700)
            shutil.copy2(Location(folder / "made").key_path, Location(own / "data").key_path)
            environ = {VARIABLES["postgresql"]: address}
            bot = await stack.enter_async_context(bot_process(own, sandbox.token, ("--standby",), environ=environ))
            bot.configure(sandbox.api_url, sandbox.gateway_url, demo_facts(), engine="postgresql")
            bots.append(bot)
        began = time.perf_counter()
        await bots[0].start()
        await bots[0].alive(sandbox.control.wait_for_ready(within=PATIENCE))
        followed = time.perf_counter() - began
        followed = time.perf_counter() - began
        say(f"{events:,} events: pushed in {pushed:.0f} s, an empty folder made and connected in {followed:.0f} s\n")
        await bots[1].start()
        took = [await take_over(sandbox, bots) for _ in range(times)]
    over = [seconds - TAKEOVER_SECONDS for seconds in took]
    say(f"from the kill to the first answer: median {median(took):.2f} s of {times}, at most {max(took):.2f} s\n")
    say(f"above the takeover time of {TAKEOVER_SECONDS} s: median {median(over):.2f} s, at most {max(over):.2f} s\n")
    say(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n")


async def take_over(sandbox: SandboxProcess, bots: list[BotProcess]) -> float:
    """Kill the owner, which becomes the standby; return the seconds until the other one has answered."""
    await ask(sandbox, bots[0])
    async with asyncio.timeout(PATIENCE):
        while position(bots[1]) < position(bots[0]):
            await bots[1].alive(asyncio.sleep(0.2))
    began = time.perf_counter()
    os.kill(bots[0].pid, signal.SIGKILL)
    await bots[0].killed()
    await ask(sandbox, bots[1])
    took = time.perf_counter() - began
    bots.reverse()
    await bots[1].start()
    say(f"{took:.2f} s\n")
    return took


async def ask(sandbox: SandboxProcess, bot: BotProcess) -> None:
    """Ask a question and wait for the answer."""
    question = await sandbox.control.post("!coffee")
    await bot.alive(sandbox.control.wait_for_messages(reference=question["id"], within=PATIENCE))


def position(bot: BotProcess) -> int:
    """Return the position up to which a bot's folder shows the log; 0 while there is none."""
    try:
        with closing(sqlite3.connect(f"file:{bot.location.database}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def say(what: str) -> None:
    """Write to stdout, at once."""
    sys.stdout.write(what)
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000, help="how long the log is (%(default)s)")
    parser.add_argument("--times", type=int, default=5, help="how often the owner is killed (%(default)s)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="echoless-takeover-") as folder:
        asyncio.run(measure(Path(folder), given.events, given.times))


if __name__ == "__main__":
    main()
