"""Durable appends: a hundred callers at once, and one alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from benchmarks.compare import echoless
from benchmarks.compare.bench import Bench, sync_milliseconds
from benchmarks.compare.contenders import raw_sqlite, with_eventsource, with_eventsourcing
from benchmarks.compare.figures import Row, Samplings, Target, percentile
from benchmarks.compare.load import Load, callers, in_turn, threads
from bot.core import events as e
from bot.core.streams import stream_of
from bot.eventlog.log import EventLog

CALLERS = 100
BLOCK = 50
Drafts: TypeAlias = Sequence[Sequence[e.Draft]]


def drafts(bench: Bench, each: int) -> Drafts:
    """Return the same messages for every contender: ``each`` for each caller, after the one its stream begins with."""
    return [
        [echoless.draft(bench.chat, number * CALLERS + caller) for number in range(each + 1)]
        for caller in range(CALLERS)
    ]


async def append_at_once(log: EventLog, work: Drafts, *, first: int = 0) -> Load:
    """Append to new streams, one for each caller from ``first`` on; each stream is begun before time runs."""
    items = [
        [(stream_of(caller), version, draft) for version, draft in enumerate(mine)]
        for caller, mine in enumerate(work, first)
    ]

    async def call(item: tuple[str, int, e.Draft]) -> None:
        stream, version, draft = item
        await log.append(stream, (draft,), expected_version=version)

    await callers([mine[:1] for mine in items], call)
    return await callers([mine[1:] for mine in items], call)


async def _ours(folder: Path, work: Drafts) -> Load:
    async with echoless.opened(folder) as log:
        return await append_at_once(log, work)


def _raw(folder: Path, work: Drafts) -> Load:
    rows = _rows(work)
    with raw_sqlite.opened(folder) as connection:
        in_turn([mine[:1] for mine in rows], lambda row: raw_sqlite.append(connection, row))
        return in_turn([mine[1:] for mine in rows], lambda row: raw_sqlite.append(connection, row))


def _raw_batches(folder: Path, work: Drafts) -> float:
    rows = [row for turn in zip(*_rows(work), strict=True) for row in turn]
    with raw_sqlite.opened(folder) as connection:
        began = time.perf_counter()
        for at in range(0, len(rows), raw_sqlite.BATCH):
            raw_sqlite.append_many(connection, rows[at : at + raw_sqlite.BATCH])
        return len(rows) / (time.perf_counter() - began)


def _rows(work: Drafts) -> list[list[raw_sqlite.RowOf]]:
    return [
        [raw_sqlite.row(caller, version, draft) for version, draft in enumerate(mine, 1)]
        for caller, mine in enumerate(work)
    ]


def _eventsourcing(folder: Path, work: Drafts, *, threaded: bool) -> Load:
    with with_eventsourcing.opened(folder) as application:
        events = []
        for caller, mine in enumerate(work):
            stream = stream_of(caller)
            application.save(with_eventsourcing.first(stream))
            events.append(
                [
                    with_eventsourcing.stored(stream, version, draft.event, draft.body)
                    for version, draft in enumerate(mine[1:], 2)
                ]
            )
        return (threads if threaded else in_turn)(events, application.save)


async def _eventsource(folder: Path, work: Drafts) -> Load:
    events = [
        [with_eventsource.received(stream_of(caller), version, draft) for version, draft in enumerate(mine, 1)]
        for caller, mine in enumerate(work)
    ]
    async with with_eventsource.opened(folder) as store:
        await callers([mine[:1] for mine in events], lambda event: with_eventsource.append(store, event))
        return await callers([mine[1:] for mine in events], lambda event: with_eventsource.append(store, event))


async def at_once(bench: Bench) -> list[Row]:
    """Measure a hundred callers, each with one event at a time in its own stream, at the version it expects."""
    work = drafts(bench, bench.pick(300, 60))
    few = [mine[: bench.pick(60, 11)] for mine in work]
    fewer = [mine[: bench.pick(25, 6)] for mine in work]
    tries = {way: _eventsourcing(bench.place("try"), fewer, threaded=way).rate for way in (False, True)}
    threaded = tries[True] > tries[False]
    seen = Samplings()
    for _ in bench.rounds("append, 100 callers"):
        syncs = sync_milliseconds(bench.folder, bench.pick(500, 100))
        ours = await _ours(bench.place("ours"), work)
        syncs += sync_milliseconds(bench.folder, bench.pick(500, 100))
        seen.add("sync", percentile(syncs, 0.5))
        seen.add("ours", ours.rate)
        for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)):
            seen.add(name, percentile(ours.milliseconds, share))
        seen.add("raw", _raw(bench.place("raw"), few).rate)
        seen.add("batches", _raw_batches(bench.place("batches"), few))
        seen.add("eventsourcing", _eventsourcing(bench.place("es"), few, threaded=threaded).rate)
        seen.add("eventsource", (await _eventsource(bench.place("esp"), fewer)).rate)
    return _at_once_rows(seen, "100 threads" if threaded else "one thread")


def _at_once_rows(seen: Samplings, way: str) -> list[Row]:
    what, rate = "durable append, 100 callers", "events/s"
    ours = seen["ours"]
    note = f"called from {way}, the faster of one and 100"
    return [
        Row(what, rate, ours, with_eventsourcing.NAME, seen["eventsourcing"], Target(15, at_least=True), note),
        Row(what, rate, ours, raw_sqlite.NAME, seen["raw"], Target(10, at_least=True)),
        Row(what, rate, ours, with_eventsource.NAME, seen["eventsource"], Target(30, at_least=True)),
        Row(what, rate, ours, raw_sqlite.BATCHED, seen["batches"]),
        Row(f"{what}, p50", "ms", seen["p50"], "4 KiB + fdatasync, p50", seen["sync"]),
        Row(f"{what}, p99", "ms", seen["p99"], "4 KiB + fdatasync, p50", seen["sync"], Target(8)),
        Row(f"{what}, p99.9", "ms", seen["p99.9"], "4 KiB + fdatasync, p50", seen["sync"]),
    ]


async def alone(bench: Bench) -> list[Row]:
    """Measure one caller, one event a commit, in blocks that alternate with a raw commit's."""
    blocks = bench.pick(10, 4)
    work = [echoless.draft(bench.chat, number) for number in range(blocks * BLOCK * bench.runs + 1)]
    rows = [raw_sqlite.row(0, version, draft) for version, draft in enumerate(work, 1)]
    seen = Samplings()
    at = 0
    async with echoless.opened(bench.place("alone")) as log:
        with raw_sqlite.opened(bench.place("alone-raw")) as connection:
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


async def _one_by_one(log: EventLog, work: Sequence[e.Draft], span: range) -> tuple[float, ...]:
    async def call(number: int) -> None:
        await log.append("channel:0", (work[number],), expected_version=number + 1)

    return (await callers([span], call)).milliseconds
