"""What one commit carries: rows ready to be written, made as requests come, while the commit before is on its way.

They go to SQLite in one statement of many rows, and a trigger puts every part of a row in its place (see
``migrations/0002_append_rate.sql``).
"""

from __future__ import annotations

import asyncio
import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from bot.core.events import Draft, Recorded

Unit: TypeAlias = Sequence[Draft]
"""Events that are recorded together or not at all."""

Work: TypeAlias = Callable[[sqlite3.Connection], Any]


class Appended(NamedTuple):
    """What became of one unit: ``new`` events, or those ``known`` already, by whose keys it was recognized."""

    new: tuple[Recorded, ...] = ()
    known: tuple[Recorded, ...] = ()


@dataclass(slots=True)
class Append:
    """A request to append ``units`` to ``stream`` at ``expected_version`` (None: wherever it is)."""

    stream: str
    units: Sequence[Unit]
    expected_version: int | None


class Care(IntEnum):
    """How carefully a request is written: as most are, after looking for its keys in the log, or in a commit alone."""

    NONE = 0
    LOOKED_UP = 1
    ALONE = 2


@dataclass(slots=True)
class Waiting:
    """A request and whoever waits for its outcome."""

    request: Append | Work
    future: asyncio.Future[Any]
    care: Care = Care.NONE
    outcome: Any = None

    def refuse(self, error: Exception) -> None:
        """Tell the caller why it failed."""
        if not self.future.done():
            self.future.set_exception(error)

    def answer(self) -> None:
        """Tell the caller what came out of it."""
        if self.future.done():
            return
        if isinstance(self.outcome, Exception):
            self.future.set_exception(self.outcome)
        else:
            self.future.set_result(self.outcome)


@dataclass(slots=True)
class Head:
    """A stream's id, its newest version and that event's hash; ``made`` is False until its row is on the way."""

    id: int
    version: int
    hash: bytes
    made: bool = True


COLUMNS = (
    "position, stream_id, version, type, v, recorded_at, key_kind, key_id, key_part, correlation, causation, "
    "data, body_digest, hash, made, opens, subject_id, salt, sealed"
)
"""What a row brings: an event's columns, its new stream's name, whether it leaves work, and its words."""

_WIDTH = COLUMNS.count(",") + 1
_SIZES = (*range(1, 8), *range(8, 32, 2), *range(32, 64, 4), *range(64, 128, 8), *range(128, 257, 16))
"""How many rows a statement may have, so that few texts are ever prepared."""


@dataclass(slots=True)
class Batch:
    """Rows for one commit, and who waits for it; ``streams`` are the ids of those that the rows belong to."""

    waiting: list[Waiting] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    streams: set[int] = field(default_factory=set)

    @property
    def rows(self) -> int:
        """Return how many events it writes."""
        return len(self.values) // _WIDTH

    def write(self, connection: sqlite3.Connection) -> None:
        """Write everything in one transaction."""
        works = [(waiting, work) for waiting in self.waiting if not isinstance(work := waiting.request, Append)]
        statements = tuple(self._statements())
        if len(statements) == 1 and not works:
            # A statement is a transaction of its own, and every statement more is a wait for the interpreter.
            connection.execute(*statements[0])
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in statements:
                connection.execute(sql, values)
            for waiting, work in works:
                waiting.outcome = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.rollback()
            raise

    def _statements(self) -> Iterator[tuple[str, list[Any]]]:
        """Yield the statements that write all rows, the last one filled up with empty rows, which come to nothing."""
        for start in range(0, len(self.values), _SIZES[-1] * _WIDTH):
            values = self.values[start : start + _SIZES[-1] * _WIDTH]
            rows = _SIZES[bisect_left(_SIZES, len(values) // _WIDTH)]
            values += (None,) * (rows * _WIDTH - len(values))
            yield _insert(rows), values


@cache
def _insert(rows: int) -> str:
    row = f"({', '.join('?' * _WIDTH)})"
    return f"INSERT INTO incoming ({COLUMNS}) VALUES {', '.join((row,) * rows)}"  # noqa: S608 - constants
