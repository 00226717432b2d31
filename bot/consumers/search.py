"""The consumer ``search``: an index of the words of the last days, in memory and nowhere else.

At each start it is filled from the log, whose words it opens; the bot answers meanwhile. What is erased in the log is
taken out as soon as that is recorded, and what becomes too old within an hour.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import Field, StrictInt

from bot.consumers import fulltext
from bot.consumers.consumer import Batch, Consumer
from bot.eventlog.database import Connection
from bot.moderation.command import ModerationError
from bot.moderation.sought import Hit, Sought
from bot.own_tables import Settings, read
from bot.times import DAY, HOUR

AT_ONCE = 50
"""Hits of one look into the index."""
SECONDS = 10.0
"""The longest time of one look."""
_MEGABYTE = 1_000_000

T = TypeVar("T")


class SearchSettings(Settings):
    """The table ``[consumers.search]``."""

    days: StrictInt = Field(default=30, ge=1, le=3650, description="a number of days, from 1 to 3650")
    megabytes: StrictInt = Field(
        default=256, ge=1, le=100_000, description="a number of megabytes of memory, from 1 to 100000"
    )

    def since(self, now: int) -> int:
        """Return the moment since which words are wanted, in whole hours: so few batches have to take some out."""
        return (now - self.days * DAY) // HOUR * HOUR


def clock() -> int:
    """Return the time in microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


class Search(Consumer):
    """Keeps the index, and finds words in it; ``clock`` returns microseconds since the epoch."""

    types = fulltext.TYPES
    wants_words = True
    rebuild = "in memory"

    def __init__(self, settings: SearchSettings, clock: Callable[[], int] = clock) -> None:
        fulltext.require_fts5()
        self._settings = settings
        self._clock = clock
        self._database: Connection | None = None

    @property
    def _since(self) -> int:
        return self._settings.since(self._clock())

    def begins_at(self) -> int:
        """Begin with the first event that is young enough."""
        return self._since

    async def prepare(self, database: Connection) -> None:
        """Make an empty index."""
        await database.submit(fulltext.prepare)
        self._database = database

    async def handle(self, batch: Batch) -> None:
        """Take in what is said, and take out what is erased."""
        most = self._settings.megabytes * _MEGABYTE
        await batch.database.submit(partial(fulltext.apply, batch.events, batch.words, self._since, most))

    async def reaches(self) -> int:
        """Return the moment since which all words are in the index."""
        return max(self._since, await self.looked(fulltext.cut_at))

    async def hits(self, sought: Sought) -> AsyncGenerator[Hit, None]:
        """Yield what is found, the newest first; raise ModerationError."""
        left = replace(sought, since=max(sought.since, self._since))
        while True:
            found = await self.looked(partial(fulltext.find, left, AT_ONCE))
            for hit in found:
                yield hit
            if len(found) < AT_ONCE:
                return
            left = replace(left, before=found[-1].position)

    async def looked(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work`` returns for the index; raise ModerationError where there is none at the moment."""
        try:
            if self._database is not None:
                async with asyncio.timeout(SECONDS):
                    return await self._database.submit(work)
        except (TimeoutError, ValueError, sqlite3.Error):
            pass  # its connection was closed: it is opened again, and filled
        raise ModerationError("The index of words is not there yet: try again in a minute.")


def search_settings(settings: Mapping[str, object], folder: Path) -> SearchSettings:
    """Return the settings of the consumer ``search``; raise ConfigError."""
    return read(SearchSettings, "search", settings, folder)


def search(name: str, settings: Mapping[str, object], folder: Path) -> Search:
    """Return the consumer of its settings; raise ConfigError."""
    return Search(read(SearchSettings, name, settings, folder))
