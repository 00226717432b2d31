"""What a process costs: its start on a large log, and the memory of many hot channels."""

from __future__ import annotations

import asyncio
from statistics import median

from benchmarks.compare import echoless
from benchmarks.compare.bench import Bench
from benchmarks.compare.children.processes import printed, started
from benchmarks.compare.figures import Row, Samplings, Target
from benchmarks.compare.stores import our_log
from bot.core.streams import stream_of
from bot.eventlog.log import EventLog

TURNS = 64
MEGABYTES_ALLOWED = 100.0
CHANNELS = 10_000
AT_ONCE = 50


async def start(bench: Bench) -> list[Row]:
    """Measure the start of a process until it can serve a channel, beside one that only imports the same."""
    events = bench.large
    folder = await our_log(bench, events)
    await asyncio.to_thread(_pair, folder)
    seen = Samplings()
    for _ in bench.rounds("start"):
        pairs = [await asyncio.to_thread(_pair, folder) for _ in range(bench.pick(5, 1))]
        seen.add("ours", median(ours for ours, _ in pairs))
        seen.add("imports", median(imports for _, imports in pairs))
    what = f"start on {events:,} events until a channel is served"
    return [Row(what, "ms", seen["ours"], "importing alone", seen["imports"], Target(1.05, plus=20), "warm")]


async def _fill(bench: Bench, log: EventLog, channel: int) -> None:
    drafts = [echoless.draft(bench.chat, channel * TURNS + turn) for turn in range(TURNS)]
    await log.append(stream_of(channel), drafts)


def _pair(folder: object) -> tuple[float, float]:
    return started(folder, 1), started()


async def memory(bench: Bench) -> list[Row]:
    """Measure the resident memory of hot channels of 64 turns, above the same process without them."""
    channels = bench.pick(CHANNELS, CHANNELS // 10)
    folder = bench.place("memory")
    bench.tell(f"writing {channels:,} channels of {TURNS} turns", 0, 1)
    async with echoless.opened(folder, full=False) as log:
        for first in range(1, channels + 1, AT_ONCE):
            await asyncio.gather(*(_fill(bench, log, channel) for channel in range(first, first + AT_ONCE)))
    seen = Samplings()
    for _ in bench.rounds("memory"):
        idle, loaded = await asyncio.to_thread(printed, "holding", folder, channels)
        seen.add("idle", idle / 1000)
        seen.add("loaded", loaded / 1000)
    allowed = MEGABYTES_ALLOWED * channels / CHANNELS
    what = f"resident memory, {channels:,} hot channels of {TURNS} turns"
    return [Row(what, "MB", seen["loaded"], "the same process idle", seen["idle"], Target(1, plus=allowed))]
