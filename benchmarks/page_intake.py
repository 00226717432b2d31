"""What an open page costs the intake: messages recorded with and without somebody who looks, turn by turn in one run.

    .venv/bin/python -m benchmarks.page_intake [--pairs 5] [--seconds 6] [--rate 500] [--viewers 1]

Records messages in twenty channels, as the gateway's intake hands them on, and serves the page in the same process. In
every other turn viewers in a process of their own follow the busiest channel as a browser does: each news has the
newest version fetched, and in between the slider is moved. With ``--rate 0`` it records as fast as it can.

Tells, of both kinds of turns, the messages a second, the time from the message to its record, and the processor's time
a message, as medians over the turns; and the ratio of each pair.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from os import getloadavg
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import aiohttp
from rich.console import Console
from rich.table import Table

from bot.app.bot import reading_context
from bot.config import Config
from bot.config.model import LogSettings
from bot.conversations import Conversations
from bot.core import commands as c
from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.interpreter import settle
from bot.page.application import sign_in_link
from bot.page.serving import serve
from bot.page.site import Site
from bot.responders import Chain
from bot.responders.rules import RulesResponder

BUSY, CHANNELS = 1000, 20
BATCH = 25
"""Messages that come at once: one read from the gateway's socket holds some."""
FULL = 200
"""Messages that may wait when it records as fast as it can."""


class Turn(NamedTuple):
    """A turn's figures: messages a second, milliseconds from message to record, microseconds of processor a message."""

    rate: float
    half: float
    most: float
    processor: float


class Intake:
    """Records messages in some channels at a rate a second (0: as fast as it can)."""

    def __init__(self, conversations: Conversations, channels: Sequence[int], rate: int) -> None:
        self._conversations = conversations
        self._channels = channels
        self._rate = rate
        self._number = 0
        self._took: list[float] = []

    @property
    def recorded(self) -> int:
        """Return how many messages this turn has recorded."""
        return len(self._took)

    async def turn(self, seconds: float) -> Turn:
        """Record for some seconds."""
        self._took = []
        began, spent, pending = time.perf_counter(), _spent(), set[asyncio.Task[None]]()
        batches = 0
        while (now := time.perf_counter() - began) < seconds:
            pending |= {asyncio.create_task(self._one()) for _ in range(BATCH)}
            batches += 1
            pending = {each for each in pending if not each.done()}
            if self._rate:
                await asyncio.sleep(max(0.0, batches * BATCH / self._rate - now))
            elif len(pending) > FULL:
                await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*pending)
        whole, count = time.perf_counter() - began, len(self._took)
        last = quantiles(self._took, n=20)[-1]
        processor = (_spent() - spent) * 1e6 / count
        return Turn(count / whole, median(self._took) * 1e3, last * 1e3, processor)

    async def _one(self) -> None:
        self._number += 1
        began = time.perf_counter()
        channel_id = self._channels[self._number % len(self._channels)]
        event = e.MessageReceived(message_id=10**18 + self._number, author_id=41, sent_at=time.time_ns() // 1000)
        body = e.Body(name="ada", parts=("Is anybody else seeing this since the update?",))
        await self._conversations.handle(channel_id, c.Receive(event, body))
        self._took.append(time.perf_counter() - began)


async def opened(stack: AsyncExitStack, folder: Path) -> tuple[Conversations, Site, str]:
    """Open a log for writing, as the bot does, and serve the page over it until the stack is closed."""
    log = await open_log(Location(folder), clock=lambda: time.time_ns() // 1000)
    stack.push_async_callback(log.close)
    conversations = Conversations(log)
    stack.push_async_callback(conversations.close)
    context = reading_context(Config(log=LogSettings(path=folder)), log.aside, Chain((RulesResponder(()),)))
    site = Site(lambda: (context,))
    base = await stack.enter_async_context(serve(site, "127.0.0.1", 0))
    settle()
    return conversations, site, base


def _spent() -> float:
    """Return the seconds of processor that this process has taken, with its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def look(base: str, token: str) -> None:
    """Look at the busiest channel as a browser does, until the process is ended."""
    chance, path = random.Random(1), f"{base}/page/channel/{BUSY}"  # noqa: S311 - a seed repeats the run
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        await (await client.post(f"{base}/page/enter", data={"token": token}, headers={"Origin": base})).read()

        async def get(address: str) -> None:
            async with client.get(address) as response:
                await response.read()

        await get(path)
        print("looking", flush=True)  # noqa: T201 - told to the parent
        async with client.get(f"{path}/live") as news:
            async for line in news.content:
                if line.startswith(b"data: "):
                    await get(f"{path}/moment")
                    await get(f"{path}/moment?at={chance.randrange(1, int(line[6:]) + 1)}")


async def main(options: argparse.Namespace) -> None:
    """Take turns."""
    found: dict[bool, list[Turn]] = {False: [], True: []}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "log"
        conversations, site, base = await opened(stack, folder)
        intake = Intake(conversations, range(BUSY, BUSY + CHANNELS), options.rate)
        await intake.turn(2)
        for number in range(options.pairs):
            for looked in (False, True) if number % 2 else (True, False):
                async with AsyncExitStack() as viewers:
                    for _ in range(options.viewers if looked else 0):
                        await _viewer(viewers, base, sign_in_link(site, base).partition("#")[2])
                    found[looked].append(await intake.turn(options.seconds))
    _tell(found)


async def _viewer(stack: AsyncExitStack, base: str, token: str) -> None:
    """Start a process that looks, until the stack is closed."""
    arguments = ("-m", "benchmarks.page_intake", "--look", base, token)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)

    async def end() -> None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    stack.push_async_callback(end)
    if process.stdout is None or await process.stdout.readline() != b"looking\n":
        raise RuntimeError("The viewer did not begin to look.")


def _tell(found: dict[bool, list[Turn]]) -> None:
    console = Console()
    table = Table("", "without", "with the page", "ratio", title=f"intake, load {getloadavg()[0]:.1f}")
    for name, field in (("messages a second", 0), ("half within, ms", 1), ("95 % within, ms", 2), ("processor, µs", 3)):
        without, looked = ([turn[field] for turn in found[each]] for each in (False, True))
        ratio = median(b / a for a, b in zip(without, looked, strict=True))
        table.add_row(name, f"{median(without):,.1f}", f"{median(looked):,.1f}", f"{ratio:.3f}")
    console.print(table)


def arguments() -> argparse.Namespace:
    """Return the command line's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--viewers", type=int, default=1)
    parser.add_argument("--look", nargs=2, metavar=("BASE", "TOKEN"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    options = arguments()
    asyncio.run(look(*options.look) if options.look else main(options))
