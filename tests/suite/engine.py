"""The log in an engine for whole suites: ``pytest --engine postgresql`` opens each log as a view of one in PostgreSQL.

One server serves a run. Each folder has a schema of its own in it, which is gone after the test.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bot.eventlog.location import Location
    from bot.eventlog.log import EventLog
    from bot.eventlog.remote.opening import Engine

VARIABLE = "ECHOLESS_POSTGRESQL"
TAKEOVER = 60.0
"""Seconds: so long that no slow machine makes an owner dead that lives."""


async def execute(server: str, sql: str) -> None:
    """Run a statement in the server."""
    import asyncpg  # noqa: PLC0415

    link = await asyncpg.connect(server)
    await link.execute(sql)
    await link.close()


class Behind:
    """A schema in one server for each folder that is asked for."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._schemas: list[str] = []

    def address(self, folder: Path) -> str:
        """Return the address of the log whose view is in a folder."""
        schema = f"test_{hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:32]}"
        if schema not in self._schemas:
            self._schemas.append(schema)
            self._execute(f"CREATE SCHEMA {schema}")
        return f"{self._server}{'&' if '?' in self._server else '?'}search_path={schema}"

    def since(self) -> Callable[[], None]:
        """Return what drops all schemas that are made from now on."""
        before = len(self._schemas)

        def drop() -> None:
            made, self._schemas[before:] = self._schemas[before:], []
            if made:
                self._execute(f"DROP SCHEMA {', '.join(made)} CASCADE")

        return drop

    def _execute(self, sql: str) -> None:
        with ThreadPoolExecutor(1) as thread:  # a test's loop may be running in this one
            thread.submit(asyncio.run, execute(self._server, sql)).result()


_behind: list[Behind] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the switch."""
    parser.addoption("--engine", choices=("sqlite", "postgresql"), default="sqlite", help="what keeps each test's log")


def pytest_configure(config: pytest.Config) -> None:
    """Start the server of a run, before any test module is imported; workers use the one of the run."""
    if config.getoption("engine") != "sqlite":
        stack = ExitStack()
        config.add_cleanup(stack.close)
        open_logs_in(stack)


def open_logs_in(stack: ExitStack) -> None:
    """Have every log opened that way for as long as ``stack`` is open.

    Nothing of this is imported where the log is in its folder: the smallest test would take longer.
    """
    from tests.engines import server  # noqa: PLC0415

    address = stack.enter_context(server.running())
    if not server.OWN:
        # No test here takes the power away, and tables are made for each.
        for sql in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):
            asyncio.run(execute(address, sql))
        os.environ["ECHOLESS_TEST_POSTGRESQL"] = address
    behind = Behind(address)
    stack.callback(behind.since())
    _behind.append(behind)
    stack.callback(_behind.clear)
    patch = stack.enter_context(pytest.MonkeyPatch.context())
    from bot.eventlog.log import open_log  # noqa: PLC0415

    async def opening(location: Location, *, engine: Engine | None = None, **given: Any) -> EventLog:  # noqa: ANN401 - as open_log
        return await open_log(location, engine=engine or engine_in(environ_for(location.folder)), **given)

    # What pytest loads first, a conftest.py, may have it by that name already; all else is imported later.
    for module in list(sys.modules.values()):
        if vars(module).get("open_log") is open_log:
            patch.setattr(module, "open_log", opening)


def log_settings() -> Mapping[str, str]:
    """Return what the settings of a bot that is a process of its own say of its log's engine."""
    return {"engine": "postgresql"} if _behind else {}


def environ_for(folder: Path) -> Mapping[str, str]:
    """Return the variables of a process that has its log, or its view, in a folder."""
    return {**os.environ, **({VARIABLE: _behind[0].address(folder)} if _behind else {})}


def engine_in(environ: Mapping[str, str]) -> Engine | None:
    """Return the engine that such variables name, None if they name none."""
    if VARIABLE not in environ:
        return None
    from bot.engines.postgresql import PostgresqlPartition  # noqa: PLC0415
    from bot.eventlog.remote.opening import Engine  # noqa: PLC0415

    return Engine(PostgresqlPartition(environ[VARIABLE]), time.monotonic, TAKEOVER)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is about a log in its folder alone."""
    for item in items if _behind else ():
        if marker := item.get_closest_marker("sqlite_only"):
            item.add_marker(pytest.mark.skip(f"sqlite only: {marker.args[0]}"))


@pytest.fixture(autouse=True)
def no_schema_is_left() -> Iterator[None]:
    """Drop what a test has made in the engine."""
    drop = _behind[0].since() if _behind else lambda: None
    yield
    drop()
