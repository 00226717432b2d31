"""Erasing in an engine: words that are erased in the view go from the records that hold them.

The event that erases is in the engine before anything goes, and whoever applies it erases in its own view. What is left
to be done in the engine is noted in the view, in the same transaction, so that a process that dies does it at its next
start.
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass, field
from functools import partial

import structlog

from bot.backoff import backoff
from bot.errors import LogError
from bot.eventlog.remote.appending import LONGEST_PAUSE, Remote
from bot.eventlog.remote.port import Unsure
from bot.eventlog.remote.record import pack_words, unpack_words

PATIENCE = 3.0
"""Seconds for which somebody waits until the words are gone from the engine."""
_DUE = "SELECT d.seq, coalesce(r.place, '') FROM erasing d LEFT JOIN records r ON r.seq = d.seq ORDER BY d.seq LIMIT 1"
_LEFT = """
SELECT position - r.first FROM records r JOIN events e ON e.position >= r.first AND e.position < coalesce(
    (SELECT min(n.first) FROM records n WHERE n.first > r.first), 9223372036854775807
)
WHERE r.seq = ? AND e.sealed IS NOT NULL
"""

_log = structlog.get_logger()


@dataclass(slots=True)
class Erasing:
    """Takes words out of the engine; :meth:`run` is its task."""

    remote: Remote
    _due: asyncio.Event = field(default_factory=asyncio.Event)
    _done: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self) -> None:
        """Note that there is something to do."""
        self._done.clear()
        self._due.set()

    async def done(self) -> bool:
        """Wait until nothing is left to do; tell whether that is so within some seconds."""
        try:
            await asyncio.wait_for(self._done.wait(), PATIENCE)
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Serve until cancelled, also when the engine is away in between."""
        self.begin()
        tries = 0
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._settle()
            except (Unsure, LogError) as error:
                if not tries:
                    _log.warning("log.unerased", reason=str(error), hint="the engine still holds erased words")
                tries += 1
                await asyncio.sleep(backoff(tries, LONGEST_PAUSE))
                self._due.set()
            else:
                tries = 0
                if not self._due.is_set():
                    self._done.set()

    async def _settle(self) -> None:
        while (due := await self.remote.run(_due)) is not None:
            self.remote.require_owned()
            seq, place = due
            left = await self.remote.run(partial(_left, seq))
            await self._rewrite(seq, place, left)
            await self.remote.run(partial(_settled, seq, left))

    async def _rewrite(self, seq: int, place: str, left: set[int]) -> None:
        """Leave those words in a record that the view has. Who owns the log no more can only take away, too."""
        partition = self.remote.partition
        while (before := await partition.words(seq, place)) is not None:
            words = unpack_words(seq, before)
            after = pack_words({index: each for index, each in words.items() if index in left})
            if after == before or await partition.rewrite(seq, place, before, after):
                return


def _due(connection: sqlite3.Connection) -> tuple[int, str] | None:
    row: tuple[int, str] | None = connection.execute(_DUE).fetchone()
    return row


def _left(seq: int, connection: sqlite3.Connection) -> set[int]:
    """Return the indexes of the events of a record that have words still."""
    return {index for (index,) in connection.execute(_LEFT, (seq,))}


def _settled(seq: int, left: set[int], connection: sqlite3.Connection) -> None:
    """Note that only the words of ``left`` are in the engine, unless more of them were erased meanwhile."""
    if _left(seq, connection) == left:
        connection.execute("DELETE FROM erasing WHERE seq = ?", (seq,))
