"""From the log to a state: a full replay, and a cold channel with a snapshot and a tail."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.compare import echoless
from benchmarks.compare.bench import Bench
from benchmarks.compare.contenders import with_eventsourcing
from benchmarks.compare.contenders.with_eventsourcing import Channel, Channels
from benchmarks.compare.figures import Row, Samplings, Target, percentile
from benchmarks.compare.stores import PER_CHANNEL, copied, our_log, their_log
from bot.core.streams import stream_of
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader
from bot.eventlog.reader import Reader
from bot.eventlog.snapshots import EVERY

ONLY = 1
"""The one channel of a log for a full replay."""

SMALL = 10_000
BLOCK = 20


async def replay(bench: Bench) -> list[Row]:
    """Measure the way from every event of one channel to its state, with no snapshot in between."""
    events = bench.pick(100_000, 10_000)
    ours, theirs = bench.place("replay"), bench.place("replay-es")
    written = await echoless.write(ours, bench.chat, (ONLY,), events, snapshot_every=10**9)
    await copied(ours, theirs, snapshots=False)
    with closing(sqlite3.connect(Location(ours).database)) as connection:
        connection.execute("DELETE FROM snapshots")
        connection.commit()
    seen = Samplings()
    reader = await open_reader(Location(ours))
    with with_eventsourcing.opened(theirs) as application:
        for _ in bench.rounds("full replay"):
            began = time.perf_counter()
            state = (await reader.load(stream_of(ONLY))).state
            seen.add("ours", written / (time.perf_counter() - began))
            began = time.perf_counter()
            aggregate = application.repository.get(Channel.create_id(stream_of(ONLY)))
            seen.add("theirs", written / (time.perf_counter() - began))
            if state.version + 1 != aggregate.version:
                raise RuntimeError(f"Not the same events: {state.version} and one more than {aggregate.version}.")
    await reader.close()
    what = f"full replay of {events:,} events"
    note = "repository.get without snapshots"
    target = Target(6, at_least=True)
    return [Row(what, "events/s", seen["ours"], with_eventsourcing.NAME, seen["theirs"], target, note)]


async def cold(bench: Bench) -> list[Row]:
    """Measure channels that nobody has in memory: the newest snapshot and the few events after it."""
    events = bench.large
    large, small = await our_log(bench, events), await our_log(bench, SMALL)
    readers = [await open_reader(Location(folder)) for folder in (large, small)]
    chance = random.Random(1)  # noqa: S311 - a seed repeats the run
    seen = Samplings()
    with with_eventsourcing.opened(await their_log(bench, events)) as application:
        for _ in bench.rounds("cold channel"):
            took: dict[str, list[float]] = {"large": [], "small": [], "theirs": []}
            for block in range(bench.pick(500, 60) // BLOCK):
                channels = [chance.randrange(1, events // PER_CHANNEL + 1) for _ in range(BLOCK)]
                few = [chance.randrange(1, SMALL // PER_CHANNEL + 1) for _ in range(BLOCK)]
                took["theirs"] += _got(application, channels)
                # Who comes after the other contender finds the processor's caches full of it: they take turns.
                asked = [("large", readers[0], channels), ("small", readers[1], few)]
                for name, reader, chosen in asked if block % 2 else reversed(asked):
                    took[name] += await rebuilt(reader, chosen)
            for name, values in took.items():
                seen.add(name, percentile(values, 0.5))
                seen.add(f"{name} p99", percentile(values, 0.99))
    for reader in readers:
        await reader.close()
    return _cold_rows(seen, events, large)


async def rebuilt(reader: Reader, channels: Sequence[int]) -> list[float]:
    """Return how many milliseconds each channel's state took."""
    took = []
    for channel in channels:
        began = time.perf_counter()
        await reader.load(stream_of(channel))
        took.append((time.perf_counter() - began) * 1000)
    return took


def _got(application: Channels, channels: Sequence[int]) -> list[float]:
    took = []
    for channel in channels:
        began = time.perf_counter()
        application.repository.get(Channel.create_id(stream_of(channel)))
        took.append((time.perf_counter() - began) * 1000)
    return took


def _cold_rows(seen: Samplings, events: int, folder: Path) -> list[Row]:
    what = f"cold channel in {events:,} events"
    contender = f"{with_eventsourcing.NAME}, snapshot every {EVERY}"
    size = f"{Location(folder).database.stat().st_size / 1e6:,.0f} MB"
    ours, theirs = seen["large"], seen["theirs"]
    return [
        Row(f"{what}, p50", "ms", ours, contender, theirs, Target(0.28), f"a log of {size}"),
        Row(f"{what}, p99", "ms", seen["large p99"], "its own p50", ours, Target(2)),
        Row(f"{what}, p50", "ms", ours, f"the same in {SMALL:,} events", seen["small"], Target(1.1)),
        Row(f"{what}, p99", "ms", seen["large p99"], contender, seen["theirs p99"]),
    ]
