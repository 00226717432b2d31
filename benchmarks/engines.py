"""A log in an engine beside one in its folder, in turns: appends of a hundred callers, and a folder made anew.

``python -m benchmarks.engines`` starts a PostgreSQL and plays DynamoDB and Kafka, or uses those that the variables
ECHOLESS_TEST_POSTGRESQL, ECHOLESS_TEST_DYNAMODB and ECHOLESS_TEST_KAFKA name. The figures are of this machine, the
ratios are what to look at; those of a player say what an engine's own code costs, and nothing of the real service.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from statistics import median
from uuid import uuid4

import asyncpg

from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.remote.opening import Engine
from bot.eventlog.remote.port import Partition
from tests.engines.emulators import SERVERS, own, partition_of

CALLERS = 100
WORDS = e.Body(name="Ada", parts=("hello " * 10,))


async def append(log: EventLog, events: int, first: int = 0) -> float:
    """Have callers append to streams of their own, from a message on; return the events of a second."""

    async def caller(number: int) -> None:
        for each in range(first, first + events // CALLERS):
            received = e.MessageReceived(message_id=number * 1_000_000 + each + 1, author_id=7, sent_at=1)
            await log.append(f"channel:{number}", [e.Draft(received, WORDS, subject_id=7)])

    began = time.perf_counter()
    await asyncio.gather(*(caller(number) for number in range(CALLERS)))
    return events / (time.perf_counter() - began)


async def opened(folder: Path, key_file: Path, partition: Partition | None) -> EventLog:
    """Open a log in a folder, or a view of one in an engine."""
    clock: Callable[[], int] = count(1).__next__
    engine = Engine(partition, time.monotonic) if partition else None
    return await open_log(Location(folder, key_file=key_file), clock=clock, engine=engine)


async def pair(server: str, folder: Path, events: int, *, turned: bool) -> tuple[float, float, float]:
    """Return the events a second of SQLite and of an engine, and those with which a folder is made anew."""
    rates = dict[str, float]()
    async with new(server) as address:
        logs = [("sqlite", None), ("view", partition_of(address))]
        for name, partition in reversed(logs) if turned else logs:
            log = await opened(folder / name, folder / "vault.key", partition)
            await append(log, events // 10)  # so that every stream is known
            rates[name] = await append(log, events, first=events)
            await log.close()
        began = time.perf_counter()
        log = await opened(folder / "anew", folder / "vault.key", partition_of(address))
        rates["anew"] = events * 1.1 / (time.perf_counter() - began)
        await log.close()
    return rates["sqlite"], rates["view"], rates["anew"]


@asynccontextmanager
async def new(server: str) -> AsyncIterator[str]:
    """Yield the address of a log that is not there yet."""
    if not server.startswith("postgresql"):
        yield own(server)
        return
    schema = f"bench_{uuid4().hex}"
    link = await asyncpg.connect(server)
    await link.execute(f"CREATE SCHEMA {schema}")
    yield f"{server}{'&' if '?' in server else '?'}search_path={schema}"
    await link.execute(f"DROP SCHEMA {schema} CASCADE")
    await link.close()


def main() -> None:
    """Print the medians, and the median of the pairs' ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", choices=[[], *SERVERS], default=[], help="all if none is named")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--events", type=int, default=10_000)
    given = parser.parse_args()
    for name in given.engines or SERVERS:
        rows = []
        with SERVERS[name]() as server:
            for number in range(given.pairs):
                with tempfile.TemporaryDirectory() as folder:
                    rows.append(asyncio.run(pair(server, Path(folder), given.events, turned=bool(number % 2))))
        sqlite, engine, anew = (median(column) for column in zip(*rows, strict=True))
        ratio = median(row[1] / row[0] for row in rows)
        sys.stdout.write(
            f"{name}: appends of {CALLERS} callers a second, median of {given.pairs} pairs: SQLite {sqlite:,.0f}, "
            f"engine {engine:,.0f}, ratio {ratio:.2f}; a folder made anew: {anew:,.0f} events a second\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
