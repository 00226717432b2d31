"""Consumers that tests run over a log, and what they leave behind."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from bot.consumers import Batch, Consumer
from bot.consumers.consumers import FOLDER, Consumers
from bot.consumers.follower import Patience
from bot.consumers.status import State
from bot.consumers.wishes import Wishes
from bot.core.events import Draft, GatewayLost
from bot.eventlog.database import Connection
from bot.eventlog.log import EventLog
from tests.waiting import eventually

AT_ONCE = Patience(attempts=3, longest=0.0)


class Table(Consumer):
    """Writes each event into a table; ``fails`` names positions that it can't handle."""

    name = "table"
    batch_size = 4

    def __init__(self) -> None:
        self.fails: dict[int, BaseException] = {}
        self.handled: list[tuple[int, ...]] = []

    async def prepare(self, database: Connection) -> None:
        """Make the table."""
        await database.execute(
            "CREATE TABLE IF NOT EXISTS seen (number INTEGER PRIMARY KEY, position INTEGER, key TEXT)"
        )

    async def handle(self, batch: Batch) -> None:
        """Write one row an event; fail in the middle of it."""
        self.handled.append(tuple(each.position for each in batch.events))
        for recorded in batch.events:
            sql = "INSERT INTO seen (position, key) VALUES (?, ?)"
            await batch.database.execute(sql, (recorded.position, batch.key(recorded)))
            if recorded.position in self.fails:
                raise self.fails[recorded.position]


def rows(folder: Path, name: str = "table") -> list[int]:
    """Return the positions in the table of a consumer, in the order in which they were written."""
    with closing(sqlite3.connect(folder / FOLDER / f"{name}.db")) as raw:
        return [position for (position,) in raw.execute("SELECT position FROM seen ORDER BY number")]


async def filled(log: EventLog, count: int) -> None:
    """Append events, each with its number as its reason, in a few streams."""
    for number in range(count):
        await log.append(f"guild:{number % 3}", [Draft(GatewayLost(reason=str(number)))])


@asynccontextmanager
async def running(log: EventLog, *consumers: Consumer) -> AsyncIterator[Consumers]:
    """Run consumers over a log."""
    made = Consumers(consumers, lambda: 1, AT_ONCE)
    async with made.of(log):
        yield made


async def caught_up(consumers: Consumers, *names: str) -> None:
    """Wait until consumers have seen everything."""
    chosen = names or consumers.names

    def all_there() -> bool:
        return all(consumers.status(name).state is State.FOLLOWING and not consumers.lag(name) for name in chosen)

    await eventually(all_there)


def wishes(log: EventLog) -> Wishes:
    """Return the wishes for the consumers of a log."""
    return Wishes(log.location.folder / FOLDER)
