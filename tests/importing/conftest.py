"""A log in a real file, and what imports into it."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.core.events import Recorded
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.query import Query
from bot.importing import exporter
from bot.importing.found import Aside, Findings
from bot.importing.recording import Importer, Wanted
from tests.importing.samples import export

NOW = 1_800_000_000_000_000
"""The present: of January 2027."""


@dataclass
class Imported:
    """A log, and what imports the files of an exporter into it."""

    log: EventLog
    asides: list[tuple[str, Aside]] = field(default_factory=list)

    async def take(self, messages: Sequence[object], *, dry_run: bool = False, **more: Any) -> Importer:  # noqa: ANN401
        """Import a file with these messages; ``more`` says further things of the file, or what is ``wanted``."""
        wanted = more.pop("wanted", Wanted(NOW))
        return await self.findings(
            exporter.read(io.BytesIO(export(messages, **more).encode())), wanted, dry_run=dry_run
        )

    async def findings(self, found: Iterator[Findings], wanted: Wanted, *, dry_run: bool = False) -> Importer:
        """Import what a parser found."""
        importer = Importer(
            self.log.reader, None if dry_run else self.log, wanted, lambda *aside: self.asides.append(aside)
        )
        await importer.run(found, lambda _count: None)
        return importer

    async def events(self, query: Query | None = None) -> list[Recorded]:
        """Return the events of the log."""
        return [recorded async for recorded in self.log.reader.events(query or Query())]


Clock = Callable[[], int]
Fresh = Callable[[], Awaitable[Imported]]


@pytest.fixture
def clock() -> Clock:
    """Return a clock that moves on by a second whenever it is read, from the present on."""
    seconds: Iterator[int] = count(NOW // 1_000_000)
    return lambda: next(seconds) * 1_000_000


@pytest.fixture
async def imported(tmp_path: Path, clock: Clock) -> AsyncIterator[Imported]:
    """Return an empty log to import into."""
    log = await open_log(Location(tmp_path / "log"), clock=clock, full=False)
    try:
        yield Imported(log)
    finally:
        await log.close()
