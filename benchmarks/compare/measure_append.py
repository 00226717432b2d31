"""Durable appends: a hundred callers at once, and one alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.compare import echoless
from benchmarks.compare.appending import EVENTSOURCING, OURS, WAYS, Drafts, Place, drafts, in_batches
from benchmarks.compare.bench import Bench
from benchmarks.compare.contenders import (
    raw_sqlite,
    with_eventsource,
    with_eventsourcing,
    with_py_event_sourcing,
    with_umadb,
)
from benchmarks.compare.figures import Row, Samplings, Target, percentile
from benchmarks.compare.load import callers, in_turn
from benchmarks.compare.machine import sync_milliseconds
from bot.core import events as e
from bot.eventlog.log import EventLog

BLOCK = 50
EACH, QUICK_EACH, TRIED = 120, 10, 5
"""Events of each caller, the same for every contender. Quick ones are too few for a checkpoint."""

NEWER = sys.version_info >= (3, 13)
SYNC = "4 KiB + fdatasync, p50"


async def at_once(bench: Bench) -> list[Row]:
    """Measure a hundred callers, each with one event at a time in its own stream, at the version it expects."""
    work = drafts(bench, bench.pick(EACH, QUICK_EACH))
    way = await _faster(bench, [mine[:TRIED] for mine in work])
    ways = {**WAYS, with_eventsourcing.NAME: EVENTSOURCING[way]}
    seen = Samplings()
    for _ in bench.rounds("append, 100 callers"):
        syncs = sync_milliseconds(bench.folder, bench.pick(500, 100))
        for name, append in ways.items():
            load = await append(Place(bench.place("append"), full=not bench.quick), work)
            seen.add(name, load.rate)
            if name == OURS:
                syncs += sync_milliseconds(bench.folder, bench.pick(500, 100))
                for share in (50, 99, 99.9):
                    seen.add(f"p{share:g}", percentile(load.milliseconds, share / 100))
        seen.add("sync", percentile(syncs, 0.5))
        seen.add(raw_sqlite.BATCHED, in_batches(Place(bench.place("append"), full=not bench.quick), work))
    return _at_once_rows(seen, way)


async def _faster(bench: Bench, work: Drafts) -> str:
    """Return which way to call eventsourcing is the faster one."""
    rates = {name: (await way(Place(bench.place("try"), full=False), work)).rate for name, way in EVENTSOURCING.items()}
    return max(rates, key=lambda name: rates[name])


def _at_once_rows(seen: Samplings, way: str) -> list[Row]:
    what, rate, p50, p99 = "durable append, 100 callers", "events/s", seen["p50"], seen["p99"]
    note = f"called from {way}, the faster of one and 100"
    targets = {
        with_eventsourcing.NAME: (Target(13.5 if NEWER else 12, at_least=True), note),
        raw_sqlite.NAME: (Target(8.5 if NEWER else 7.5, at_least=True), "a transaction an event"),
        with_eventsource.NAME: (Target(30, at_least=True), ""),
        with_py_event_sourcing.NAME: (None, "with synchronous FULL instead of its NORMAL, as all others have it"),
        with_umadb.NAME: (None, "100 threads that ask a server in Rust; it seals, chains and deduplicates nothing"),
        raw_sqlite.BATCHED: (None, "" if with_umadb.installed() else with_umadb.MISSING),
    }
    rates = [
        Row(what, rate, seen[OURS], name, seen[name], target, why)
        for name, (target, why) in targets.items()
        if name in seen
    ]
    return [
        *rates,
        Row(f"{what}, p50", "ms", p50, SYNC, seen["sync"]),
        Row(f"{what}, p99", "ms", p99, "its own p50", p50, Target(2.2), "without each caller's first calls"),
        Row(f"{what}, p99", "ms", p99, SYNC, seen["sync"]),
        Row(f"{what}, p99.9", "ms", seen["p99.9"], SYNC, seen["sync"]),
    ]


async def alone(bench: Bench) -> list[Row]:
    """Measure one caller, one event a commit, in blocks that alternate with a raw commit's."""
    blocks = bench.pick(10, 4)
    work = [echoless.draft(bench.chat, number) for number in range(blocks * BLOCK * bench.runs + 1)]
    rows = [raw_sqlite.row(0, version, draft) for version, draft in enumerate(work, 1)]
    seen = Samplings()
    at = 0
    async with echoless.opened(bench.place("alone")) as log:
        with raw_sqlite.opened(bench.place("alone") / "raw.db") as connection:
            await log.append("channel:0", work[-1:], expected_version=0)
            for _ in bench.rounds("append, one caller"):
                ours: list[float] = []
                theirs: list[float] = []
                for _ in range(blocks):
                    span = range(at, at := at + BLOCK)
                    ours += await _one_by_one(log, work, span)
                    block = [[rows[number] for number in span]]
                    theirs += in_turn(block, lambda row: raw_sqlite.append(connection, row)).milliseconds
                seen.add("ours", percentile(ours, 0.5))
                seen.add("raw", percentile(theirs, 0.5))
    return [Row("durable append, one caller, p50", "ms", seen["ours"], raw_sqlite.NAME, seen["raw"], Target(1.5))]


async def _one_by_one(log: EventLog, work: Sequence[e.Draft], span: range) -> list[float]:
    async def call(number: int) -> None:
        await log.append("channel:0", (work[number],), expected_version=number + 1)

    return (await callers([span], call)).milliseconds
