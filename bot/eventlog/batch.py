"""The rows of one commit. They are made as requests come, while the commit before is being written.

They go to SQLite in statements of many rows; triggers do the rest (see ``migrations/0006_erasing.sql``).
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
    """The result for one unit: its ``new`` events, or the events with the same keys that were ``known`` already."""

    new: tuple[Recorded, ...] = ()
    known: tuple[Recorded, ...] = ()


@dataclass(slots=True)
class Append:
    """A request to append ``units`` to ``stream`` at ``expected_version`` (None: at any version)."""

    stream: str
    units: Sequence[Unit]
    expected_version: int | None


class Care(IntEnum):
    """How a request is written: without a look into the log, after a look for its keys, or alone in a commit."""

    NONE = 0
    LOOKED_UP = 1
    ALONE = 2


@dataclass(slots=True)
class Waiting:
    """A request, and the future of the caller that waits for its result."""

    request: Append | Work
    future: asyncio.Future[Any]
    care: Care = Care.NONE
    outcome: Any = None

    def refuse(self, error: Exception) -> None:
        """Tell the caller why it failed."""
        if not self.future.done():
            self.future.set_exception(error)

    def answer(self) -> None:
        """Give the caller the result."""
        if self.future.done():
            return
        if isinstance(self.outcome, Exception):
            self.future.set_exception(self.outcome)
        else:
            self.future.set_result(self.outcome)


@dataclass(slots=True)
class Head:
    """A stream's id, its newest version and that event's hash; ``made`` is False until a batch holds its row."""

    id: int
    version: int
    hash: bytes
    made: bool = True


_EVENT = (
    "position, stream_id, version, type, v, recorded_at, key_kind, key_id, key_part, correlation, causation, data, "
    "body_digest, hash, subject_id, salt, sealed"
)
"""The columns of an event's own row."""

COLUMNS = (*_EVENT.split(", "), "made", "effect")
"""The values of an event in a batch: its row, the name of the stream it begins (else None), and its effect."""

WIDTH = len(COLUMNS)
_MADE, _EFFECT = WIDTH - 2, WIDTH - 1
_INCOMING = f"INSERT INTO incoming ({', '.join(COLUMNS)}) VALUES {{}}"  # noqa: S608 - constants
_PLAIN = f"INSERT INTO events ({_EVENT}) SELECT * FROM (VALUES {{}}) WHERE column1 IS NOT NULL"  # noqa: S608 - constants
"""The statement for rows none of which begins a stream or has an effect: it takes less time."""

_SIZES = (*range(1, 8), *range(8, 32, 2), *range(32, 64, 4), *range(64, 128, 8), *range(128, 257, 16))
"""The numbers of rows that a statement may have. They are few, so few statements have to be prepared."""


class Effect(IntEnum):
    """What else an event's row changes (see ``migrations/0006_erasing.sql``)."""

    NONE = 0
    OPENS = 1
    ERASES = 2


@dataclass(slots=True)
class Line:
    """Batches whose rows build on each other. Once one of them has failed, none after it may be written."""

    broken: bool = False


@dataclass(slots=True)
class Batch:
    """The rows of one commit, and the requests that wait for it; ``streams`` are the ids of the streams of the rows."""

    line: Line = field(default_factory=Line)
    waiting: list[Waiting] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    streams: set[int] = field(default_factory=set)

    @property
    def rows(self) -> int:
        """Return the number of events in the batch."""
        return len(self.values) // WIDTH

    @property
    def erases(self) -> bool:
        """Tell whether an event in the batch erases words."""
        return int(Effect.ERASES) in self.values[_EFFECT::WIDTH]

    def write(self, connection: sqlite3.Connection) -> None:
        """Write everything in one transaction; write nothing when a batch before it in its line has failed.

        The positions and hashes of its rows would build on rows that are not there, and SQLite would take them. The
        batch may be queued by the time of the failure, so it is refused here, on the thread that saw the failure.
        """
        if self.line.broken:
            return
        try:
            self._commit(connection)
        except BaseException:
            self.line.broken = True
            raise

    def _commit(self, connection: sqlite3.Connection) -> None:
        works = self.works()
        statements = tuple(self._statements())
        if len(statements) == 1 and not works:
            # One statement is a transaction by itself. Each further statement has to wait for the interpreter.
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

    def works(self) -> list[tuple[Waiting, Work]]:
        """Return the requests that do something of their own in the transaction."""
        return [(waiting, work) for waiting in self.waiting if not isinstance(work := waiting.request, Append)]

    def insert(self, connection: sqlite3.Connection) -> None:
        """Write the rows within a transaction that somebody else begins and ends."""
        for sql, values in self._statements():
            connection.execute(sql, values)

    def _statements(self) -> Iterator[tuple[str, list[Any]]]:
        """Yield the statements that write all rows. The last one is filled up with empty rows, which write nothing."""
        for start in range(0, len(self.values), _SIZES[-1] * WIDTH):
            values, sql, width = self.values[start : start + _SIZES[-1] * WIDTH], _INCOMING, WIDTH
            rows = _SIZES[bisect_left(_SIZES, len(values) // WIDTH)]
            if not any(values[_MADE::WIDTH]) and not any(values[_EFFECT::WIDTH]):
                sql, width = _PLAIN, _MADE
                del values[_EFFECT::WIDTH]
                del values[_MADE :: WIDTH - 1]
            values += (None,) * (rows * width - len(values))
            yield _insert(sql, rows, width), values


@cache
def _insert(sql: str, rows: int, width: int) -> str:
    return sql.format(", ".join((f"({', '.join('?' * width)})",) * rows))
