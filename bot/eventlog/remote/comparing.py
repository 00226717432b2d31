"""Comparing: a view and the engine that it shows are one chain of records, and hold the same facts and words.

It reads all that the engine holds, beside a bot that may own the log. What may differ for a moment is looked at again:
words that go from the view go from the engine a little later, and a view may be behind.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from bot.errors import LogDamaged, LogForeign
from bot.eventlog.batch import COLUMNS, WIDTH
from bot.eventlog.database import Connection
from bot.eventlog.remote import view
from bot.eventlog.remote.port import NOTHING, Entry, Partition, digest_of
from bot.eventlog.remote.record import Facts, Kind, Rows, read_record, unpack_words
from bot.eventlog.verify_events import Finding

PAGE_EVENTS = 2000
"""Events that are compared at a time."""
_WORDS = ("subject_id", "salt", "sealed")
_TOLD = tuple(name for name in COLUMNS[:-2] if name not in _WORDS)
_AT = {name: index for index, name in enumerate(COLUMNS)}
_ROWS = f"""
SELECT {", ".join(_TOLD)}, subject_id, salt, sealed FROM events WHERE position BETWEEN ? AND ? ORDER BY position
"""  # noqa: S608 - constants
_KEY_BYTES = 3
"""A seal begins with its form and the number of its key."""


class _Piece(NamedTuple):
    """A record that counts, without its facts."""

    entry: Entry
    rows: Rows


class _Odd(NamedTuple):
    """An event whose words are in the view alone, or in the engine alone, and where it stands in its record."""

    entry: Entry
    at: int
    position: int


@dataclass(slots=True)
class Comparison:
    """Compares a view with its engine; ``connection`` reads the view.

    ``records`` counts those that both have, ``newer`` those that the view has not taken over yet, ``unerased`` the
    events whose words are erased here and are still to go from the engine.
    """

    partition: Partition
    connection: Connection
    records: int = 0
    newer: int = 0
    unerased: int = 0
    _digest: bytes = NOTHING
    _place: str = ""
    _owner: bytes = b""
    _parts: list[_Piece] = field(default_factory=list)
    _page: list[_Piece] = field(default_factory=list)
    _odd: list[_Odd] = field(default_factory=list)

    async def run(self) -> AsyncGenerator[tuple[int, tuple[Finding, ...]], None]:
        """Yield the number of events that were compared since the last time, and what is wrong with them.

        Raises Unsure where the engine can't be asked.
        """
        mark = await self.connection.run(view.read_bookmark)
        async with aclosing(self.partition.read(0, NOTHING, "")) as entries:
            async for entry in entries:
                if wrong := self._take(entry, mark):
                    yield 0, (_finding(wrong),)
                    return
                if sum(len(piece.rows.values) for piece in self._page) >= PAGE_EVENTS * WIDTH:
                    yield await self._compared()
        yield await self._compared()
        if self.records < mark.seq:
            yield 0, (_finding(f"it goes up to record {mark.seq}, and {self._name} only to {self.records}"),)
        yield 0, tuple([finding async for finding in self._strange()])

    @property
    def _name(self) -> str:
        return self.partition.name

    def _take(self, entry: Entry, mark: view.Bookmark) -> str:
        """Take the next record; return what is wrong with it, "" if nothing is."""
        try:
            facts = read_record(entry)
        except (LogDamaged, LogForeign) as error:
            return str(error)
        seq = self.records + self.newer + 1
        if entry.seq != seq or facts.prev != self._digest:
            return f"record {entry.seq} in {self._name} does not follow the one before it"
        self._digest, self._place = digest_of(entry.facts), entry.place
        if seq == mark.seq and self._digest != mark.digest:
            return f"record {seq} in {self._name} is another one than the record {seq} up to which the folder goes"
        self._owner = facts.owner if facts.kind is Kind.CLAIM else self._owner
        if facts.owner != self._owner:
            return f"record {seq} in {self._name} is of a process that was not the owner"
        if seq > mark.seq:
            self.newer += 1
            return ""
        self.records += 1
        self._sort(entry, facts)
        return ""

    def _sort(self, entry: Entry, facts: Facts) -> None:
        if facts.rows is None:
            self._parts.clear()
            return
        self._parts.append(_Piece(entry._replace(facts=b"", words=None), facts.rows))
        if facts.kind is Kind.ROWS:
            self._page += self._parts
            self._parts.clear()

    async def _compared(self) -> tuple[int, tuple[Finding, ...]]:
        page, self._page = self._page, []
        found, odd = await self.connection.run(partial(_differences, self._name, page))
        self._odd += odd
        return sum(len(piece.rows.values) for piece in page) // WIDTH, tuple(found)

    async def _strange(self) -> AsyncGenerator[Finding, None]:
        """Look again at events whose words are in one place alone, and yield a finding where that is wrong."""
        async with aclosing(self.partition.read(self.records + self.newer, self._digest, self._place)) as entries:
            async for _ in entries:
                self.newer += 1
        for odd in self._odd:
            here, due = await self.connection.run(partial(_state, odd))
            there = odd.at in unpack_words(odd.entry.seq, await self.partition.words(odd.entry.seq, odd.entry.place))
            if here and not there and not self.newer:
                yield _finding(f"{self._name} has lost the words of event {odd.position}")
            if there and due:
                self.unerased += 1
            elif there and not here:
                yield _finding(f"{self._name} still holds the words of event {odd.position}, which are erased here")


def _differences(name: str, page: Sequence[_Piece], connection: sqlite3.Connection) -> tuple[list[Finding], list[_Odd]]:
    """Return in what events of the view differ from those of the engine, and those with words in one place alone."""
    found: list[Finding] = []
    odd: list[_Odd] = []
    for entry, rows in page:
        noted = connection.execute("SELECT seq FROM records WHERE first = ?", (rows.first,)).fetchone()
        if noted != (entry.seq,):
            found.append(_finding(f"record {entry.seq} of {name} is not noted at position {rows.first}"))
        here = {row[0]: row for row in connection.execute(_ROWS, (rows.first, rows.last))}
        for index in range(rows.last - rows.first + 1):
            given = rows.values[index * WIDTH : (index + 1) * WIDTH]
            position = rows.first + index
            row = here.get(position)
            if row is None or row[: len(_TOLD)] != tuple(given[_AT[each]] for each in _TOLD):
                found.append(_finding(f"event {position} is another one in {name}"))
                continue
            words, others = row[len(_TOLD) :], tuple(given[_AT[each]] for each in _WORDS)
            if (words[2] is None) != (others[2] is None):
                odd.append(_Odd(entry, index, position))
            elif words != others and not _sealed_anew(words, others):
                found.append(_finding(f"the words of event {position} are others in {name}"))
    return found, odd


def _sealed_anew(words: Sequence[Any], others: Sequence[Any]) -> bool:
    """Tell whether the same words may be sealed under another key in one of the two places."""
    return words[:2] == others[:2] and words[2][:_KEY_BYTES] != others[2][:_KEY_BYTES]


def _state(odd: _Odd, connection: sqlite3.Connection) -> tuple[bool, bool]:
    """Tell whether the view has the words of an event, and whether it notes that the engine's have still to go."""
    row = connection.execute("SELECT sealed FROM events WHERE position = ?", (odd.position,)).fetchone()
    due = connection.execute("SELECT 1 FROM erasing WHERE seq = ?", (odd.entry.seq,)).fetchone()
    return row is not None and row[0] is not None, due is not None


def _finding(problem: str) -> Finding:
    return Finding("", 0, problem)
