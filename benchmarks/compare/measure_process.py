"""What a process costs: its start, alone on a large log and over the sandbox, and the memory of many hot channels."""

from __future__ import annotations

import asyncio
import time
from asyncio.subprocess import Process
from contextlib import AbstractAsyncContextManager
from statistics import median

from benchmarks.bots import NO_LIMITS, running_bot
from benchmarks.compare import echoless, stage
from benchmarks.compare.bench import Bench
from benchmarks.compare.children.processes import printed, started
from benchmarks.compare.figures import Row, Samplings, Target, fixed
from benchmarks.compare.stores import our_log
from bot.core.streams import stream_of
from bot.eventlog.log import EventLog
from bot.sandbox.process import SandboxProcess, sandbox_process

TURNS = 64
MEGABYTES_ALLOWED = 100.0
CHANNELS = 10_000
AT_ONCE = 50
STARTS = 3
READY_WITHIN = 1000.0
"""Milliseconds from the start of a process to the gateway's READY."""


async def start(bench: Bench) -> list[Row]:
    """Measure the start of a process until it can serve a channel, beside one that only imports the same."""
    events = bench.large
    folder = await our_log(bench, events)
    await asyncio.to_thread(_pair, folder)
    seen = Samplings()
    for _ in bench.rounds("start"):
        pairs = [await asyncio.to_thread(_pair, folder) for _ in range(bench.pick(STARTS, 1))]
        seen.add("ours", median(ours for ours, _ in pairs))
        seen.add("imports", median(imports for _, imports in pairs))
    what = f"start on {events:,} events until a channel is served"
    return [Row(what, "ms", seen["ours"], "importing alone", seen["imports"], Target(1.05, plus=20), "warm")]


async def ready(bench: Bench) -> list[Row]:
    """Measure from the start of a process until the gateway has told it READY, over the sandbox, beside a plain bot."""
    folder, plain = bench.place("ready"), bench.place("plain")
    seen = Samplings()
    async with sandbox_process(NO_LIMITS) as sandbox:

        async def pair() -> tuple[float, float]:
            ours = await _spawned(sandbox, running_bot(folder, sandbox, stage.settings()))
            return ours, await _spawned(sandbox, stage.running_plain(plain, sandbox, stage.ANSWERING))

        await pair()
        for _ in bench.rounds("ready"):
            pairs = [await pair() for _ in range(bench.pick(STARTS, 1))]
            seen.add("ours", median(ours for ours, _ in pairs))
            seen.add("plain", median(plain for _, plain in pairs))
    what, ours = "start, spawn to READY over the sandbox", seen["ours"]
    return [fixed(what, "ms", ours, READY_WITHIN), Row(what, "ms", ours, "a plain discord.py bot", seen["plain"])]


async def _spawned(sandbox: SandboxProcess, client: AbstractAsyncContextManager[Process]) -> float:
    """Return the milliseconds until a client that starts now has a session, and wait until it has none."""
    began = time.monotonic()
    async with client:
        await sandbox.control.wait_for_ready()
        took = (time.monotonic() - began) * 1000
    await sandbox.control.wait_for_sessions(0)
    return took


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
