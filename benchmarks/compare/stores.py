"""Logs that several measurements share, written once: ours, and the same events copied to eventsourcing."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

from benchmarks.compare import echoless
from benchmarks.compare.bench import Bench
from benchmarks.compare.contenders import with_eventsourcing
from bot.core import events as e
from bot.core.streams import channel_of
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader

PER_CHANNEL = 500
"""Events of one channel: the logs differ in how many channels there are, not in what a channel is."""

PAGE = 1000


async def our_log(bench: Bench, events: int) -> Path:
    """Return the folder of a log of so many events, with snapshots as the bot takes them and tails of any length."""
    name = f"log-{events}"
    if name not in bench.kept:
        bench.tell(f"writing a log of {events:,} events", 0, 1)
        folder = bench.place(name)
        channels = range(1, max(2, events // PER_CHANNEL + 1))
        await echoless.write(folder, bench.chat, channels, events)
        bench.kept[name] = folder
    return bench.kept[name]


async def their_log(bench: Bench, events: int) -> Path:
    """Return the folder of eventsourcing's file with the same events, and each channel's newest snapshot."""
    name = f"es-{events}"
    if name not in bench.kept:
        ours = await our_log(bench, events)
        bench.tell(f"copying {events:,} events to eventsourcing", 0, 1)
        folder = bench.place(name)
        await copied(ours, folder, snapshots=True)
        bench.kept[name] = folder
    return bench.kept[name]


async def copied(ours: Path, folder: Path, *, snapshots: bool) -> None:
    """Copy a log of ours to eventsourcing, in the same order."""
    reader = await open_reader(Location(ours))
    try:
        with with_eventsourcing.opened(folder) as application:
            seen: set[str] = set()
            async for page in _pages(reader):
                with_eventsourcing.copy(application, page, seen)
            if snapshots:
                heads = [(stream.name, stream.version + 1) for stream in await reader.streams() if stream.name in seen]
                with_eventsourcing.snapshot(application, heads)
    finally:
        await reader.close()


async def _pages(reader: Reader) -> AsyncIterator[list[tuple[e.Recorded, e.Body | None]]]:
    after = 0
    while True:
        found = [event async for event in reader.events(Query(after_position=after), limit=PAGE)]
        if not found:
            return
        after = found[-1].position
        bodies = await reader.bodies(event.position for event in found)
        yield [(event, bodies.get(event.position)) for event in found if channel_of(event.stream) is not None]


def query(folder: Path, sql: str) -> float:
    """Ask the log's file for one number, from outside."""
    with closing(sqlite3.connect(f"file:{Location(folder).database}?mode=ro", uri=True)) as connection:
        (value,) = connection.execute(sql).fetchone()
    return float(value or 0)


def bytes_on_disk(folder: Path) -> int:
    """Return the size of the database and of what is beside it."""
    path = Location(folder).database
    return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))


def duplicate(folder: Path, into: Path) -> Path:
    """Copy a log at rest, so that what is appended to the copy leaves it as it is."""
    return Path(shutil.copytree(folder, into, dirs_exist_ok=True))
