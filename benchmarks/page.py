"""How fast the page is: the first paint of the list and of a conversation, and a step of its slider.

    .venv/bin/python -m benchmarks.page [--events 1000000] [--channel-events 100000] [--steps 60] [--rate 500]

Writes a log of a million events, a tenth of them in one channel (``--log FOLDER``: takes a copy of one), and serves the
page over it, while messages are recorded in that channel and in nineteen others (``--rate 0``: none is). Asks for pages
as a browser does, and says how long the answer took and how much of it was a processor's. Where Chromium is installed,
a step is measured there, too: from the slider's move until what is new is laid out. What a processor took is all that
this process took meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median, quantiles

import aiohttp
from rich.console import Console
from rich.table import Table

from benchmarks.moderation import BUSY, write
from benchmarks.page_intake import Intake, opened
from bot.page.application import sign_in_link
from bot.page.site import Site

QUIET = 10**6
"""The first of the channels in which messages are recorded beside the one that is looked at."""

STEP = """
async () => {
  const range = document.getElementById("at");
  const began = performance.now();
  const shown = new Promise((seen) => document.addEventListener("moment", seen, { once: true }));
  range.stepDown();
  range.dispatchEvent(new Event("input"));
  await shown;
  document.body.getBoundingClientRect();
  return performance.now() - began;
}
"""

PAINTED = """
() => new Promise((told) => new PerformanceObserver((list) => {
  for (const each of list.getEntriesByName("first-contentful-paint")) told(each.startTime);
}).observe({ type: "paint", buffered: true }))
"""


class Figures:
    """Milliseconds by what was done."""

    def __init__(self) -> None:
        self.table = Table("what", "half within", "95 % within", "processor", title="the page, in ms")

    async def measure(self, name: str, count: int, work: Callable[[int], Awaitable[float | None]]) -> None:
        """Do something some times; ``work`` may return how long it took."""
        took, spent = [], time.process_time()
        for number in range(count):
            began = time.perf_counter()
            told = await work(number)
            took.append(told if told is not None else (time.perf_counter() - began) * 1000)
        spent = (time.process_time() - spent) * 1000 / count
        last = quantiles(took, n=20)[-1] if count > 1 else took[0]
        self.table.add_row(name, f"{median(took):.1f}", f"{last:.1f}", f"{spent:.1f}")


async def main(options: argparse.Namespace) -> None:
    """Write or copy the log, and measure."""
    console, figures = Console(), Figures()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "log"
        if options.log is None:
            await write(folder, options.events, options.channel_events, seed=1)
        else:
            shutil.copytree(options.log, folder)
        conversations, site, base = await opened(stack, folder)
        head = (await conversations.state(options.channel)).version
        intake, began = (
            Intake(conversations, (options.channel, *range(QUIET, QUIET + 19)), options.rate),
            time.monotonic(),
        )
        if options.rate:
            stack.callback(asyncio.create_task(intake.turn(math.inf)).cancel)
        await _asked(site, base, head, options, figures)
        chromium = shutil.which("chromium")
        if chromium:
            await _seen(site, base, head, options, figures, chromium)
        console.print(f"{intake.recorded / (time.monotonic() - began):.0f} messages a second were recorded meanwhile.")
    console.print(figures.table)


async def _asked(site: Site, base: str, head: int, options: argparse.Namespace, figures: Figures) -> None:
    """Measure answers over HTTP."""
    conversation, chance = f"/page/channel/{options.channel}", random.Random(1)  # noqa: S311 - a seed repeats the run
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        form = {"token": sign_in_link(site, base).partition("#")[2]}
        await (await client.post(f"{base}/page/enter", data=form, headers={"Origin": base})).read()

        async def get(path: str) -> None:
            async with client.get(base + path) as response:
                await response.read()
                response.raise_for_status()

        versions = [chance.randrange(1, head) for _ in range(options.steps)]
        await figures.measure("list", 20, lambda _: get("/page/"))
        await figures.measure("conversation", 20, lambda _: get(conversation))
        await figures.measure("step", options.steps, lambda each: get(f"{conversation}/moment?at={versions[each]}"))
        compared = f"&from={head // 2}"
        await figures.measure(
            "step, compared", options.steps, lambda each: get(f"{conversation}/moment?at={versions[each]}{compared}")
        )
        older = f"{conversation}/older?at={head}&before="
        await figures.measure("older window", options.steps, lambda each: get(f"{older}{versions[each] + 1}"))


async def _seen(site: Site, base: str, head: int, options: argparse.Namespace, figures: Figures, chromium: str) -> None:
    """Measure what a person sees in Chromium."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - where there is a browser

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1280, "height": 860})
        await page.goto(sign_in_link(site, base))
        await page.wait_for_url("**/page/")
        address = f"{base}/page/channel/{options.channel}?at={head // 2}"

        async def painted(shown: str) -> float:
            await page.goto(shown)
            found: float = await page.evaluate(PAINTED)
            return found

        async def step(_number: int) -> float:
            took: float = await page.evaluate(STEP)
            return took

        await figures.measure("list, first paint in Chromium", 20, lambda _: painted(f"{base}/page/"))
        await figures.measure("conversation, first paint in Chromium", 40, lambda _: painted(address))
        await figures.measure("step in Chromium, laid out", options.steps, step)
        await browser.close()


def arguments() -> argparse.Namespace:
    """Return the command line's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--channel-events", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--channel", type=int, default=BUSY)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(arguments()))
