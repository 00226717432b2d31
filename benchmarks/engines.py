"""A log in PostgreSQL beside one in its folder, in turns: appends of a hundred callers, and a folder made anew.

``python -m benchmarks.engines`` starts a PostgreSQL of its own, or uses the one that ECHOLESS_TEST_POSTGRESQL names.
Each log is on a disk when a commit ends. The figures are of this machine, the ratios are what to look at.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median
from uuid import uuid4

import asyncpg

from bot.core import events as e
from bot.engines.postgresql import PostgresqlPartition
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.remote.opening import Engine
from tests.engines.server import running

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


async def opened(folder: Path, key_file: Path, partition: PostgresqlPartition | None) -> EventLog:
    """Open a log in a folder, or a view of one in PostgreSQL."""
    clock: Callable[[], int] = count(1).__next__
    engine = Engine(partition, time.monotonic) if partition else None
    return await open_log(Location(folder, key_file=key_file), clock=clock, engine=engine)


async def pair(dsn: str, folder: Path, events: int, *, turned: bool) -> tuple[float, float, float]:
    """Return the events a second of SQLite and of PostgreSQL, and those with which a folder is made anew."""
    schema, rates = f"bench_{uuid4().hex}", dict[str, float]()
    own = f"{dsn}{'&' if '?' in dsn else '?'}search_path={schema}"
    link = await asyncpg.connect(dsn)
    await link.execute(f"CREATE SCHEMA {schema}")
    logs = [("sqlite", None), ("view", PostgresqlPartition(own))]
    for name, partition in reversed(logs) if turned else logs:
        log = await opened(folder / name, folder / "vault.key", partition)
        await append(log, events // 10)  # so that every stream is known
        rates[name] = await append(log, events, first=events)
        await log.close()
    began = time.perf_counter()
    log = await opened(folder / "anew", folder / "vault.key", PostgresqlPartition(own))
    rates["anew"] = events * 1.1 / (time.perf_counter() - began)
    await log.close()
    await link.execute(f"DROP SCHEMA {schema} CASCADE")
    await link.close()
    return rates["sqlite"], rates["view"], rates["anew"]


def main() -> None:
    """Print the medians, and the median of the pairs' ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--events", type=int, default=10_000)
    given = parser.parse_args()
    rows = []
    with running() as dsn:
        for number in range(given.pairs):
            with tempfile.TemporaryDirectory() as folder:
                rows.append(asyncio.run(pair(dsn, Path(folder), given.events, turned=bool(number % 2))))
    sqlite, postgresql, anew = (median(column) for column in zip(*rows, strict=True))
    ratio = median(row[1] / row[0] for row in rows)
    sys.stdout.write(
        f"appends of {CALLERS} callers a second, median of {given.pairs} pairs: SQLite {sqlite:,.0f}, PostgreSQL "
        f"{postgresql:,.0f}, ratio {ratio:.2f}\na folder made anew: {anew:,.0f} events a second\n"
    )


if __name__ == "__main__":
    main()
