"""Finding words without an index: the log is read from its newest event on, a page at a time.

Each page becomes an index of its own for a moment, so words are found by the same rule as in one that is kept.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import closing
from functools import partial

from bot.consumers import fulltext
from bot.core.events import Body, Recorded
from bot.core.streams import stream_of
from bot.eventlog.folding import PAGE
from bot.eventlog.pages import position_before
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.moderation.sought import SAID, Hit, Sought, said_by

_NO_LIMIT = 2**62


class Scan:
    """Finds words that were written since a moment; ``progress`` is told the events looked through, and all of them.

    At most the newest ``limit`` events that say words are looked through (None: all).
    """

    name = "scan"

    def __init__(
        self,
        reader: Reader,
        since: int,
        progress: Callable[[int, int], object] = lambda _done, _all: None,
        limit: int | None = None,
    ) -> None:
        self._reader = reader
        self._since = since
        self._progress = progress
        self._limit = limit

    async def reaches(self) -> int:
        """Return the moment since which words are looked through."""
        return self._since

    async def hits(self, sought: Sought) -> AsyncGenerator[Hit, None]:
        """Yield what is found, the newest first; raise ModerationError for a text without any word."""
        fulltext.expression(sought.text)
        first = await self._reader.connection.run(partial(position_before, self._since))
        head = await self._reader.newest()
        channels = tuple(sought.channels or ())
        query = Query(
            stream=stream_of(channels[0]) if len(channels) == 1 else None,
            types=tuple(kind.TYPE for kind in SAID),
            after_position=first,
            newest_first=True,
        )
        seen: set[tuple[str, int, bool]] = set()
        page: list[Recorded] = []
        async for recorded in self._reader.events(query, limit=self._limit):
            page.append(recorded)
            if len(page) == PAGE:
                for hit in await self._found(page, seen, sought):
                    yield hit
                self._progress(head - recorded.position, head - first)
                page.clear()
        for hit in await self._found(page, seen, sought):
            yield hit

    async def _found(self, page: list[Recorded], seen: set[tuple[str, int, bool]], sought: Sought) -> list[Hit]:
        """Return the hits among a page of events, the newest first, without messages that were ``seen`` newer."""
        newest: list[Recorded] = []
        for recorded in page:
            said = said_by(recorded)
            if said is not None and (key := (recorded.stream, said.message_id, said.answer)) not in seen:
                seen.add(key)
                newest.append(recorded)
        bodies = await self._reader.bodies([recorded.position for recorded in newest])
        return await asyncio.to_thread(_hits, newest[::-1], bodies, self._since, sought)


def _hits(events: Sequence[Recorded], bodies: Mapping[int, Body], since: int, sought: Sought) -> list[Hit]:
    """Return the hits among events. It takes a while, so it has a thread of its own."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        fulltext.prepare(connection)
        connection.execute("BEGIN")
        fulltext.apply(events, bodies, since, _NO_LIMIT, connection)
        return fulltext.find(sought, _NO_LIMIT, connection)
