"""Following: a view takes over what the engine holds beyond it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from bot.errors import LogDamaged, LogIncomplete, LogUnwritable
from bot.eventlog.database import Connection
from bot.eventlog.remote import claiming, view
from bot.eventlog.remote.port import NOTHING, Entry, Partition, Torn, Unsure, digest_of
from bot.eventlog.remote.record import Facts, Kind, Rows, read_record, unpack_words
from bot.eventlog.remote.view import Bookmark
from bot.eventlog.transactions import transaction
from bot.eventlog.vault import head_of

PAGE_BYTES = 8_000_000
"""Bytes of records that a view takes over in one transaction, about; it holds two such pages at a time."""


@dataclass(slots=True)
class Follower:
    """Knows how far a view goes.

    ``mark`` is stored with it. ``seq`` and ``digest`` are those of the newest record that was read: after the mark,
    ``parts`` wait for the record that completes them. ``stale``: the words in the view may be sealed as they once were.
    ``claims`` counts the claims that were seen or made.
    """

    mark: Bookmark
    seq: int
    digest: bytes
    parts: tuple[tuple[Entry, Rows], ...] = ()
    stale: bool = True
    claims: int = 0

    @classmethod
    def at(cls, mark: Bookmark) -> Follower:
        """Return the follower of a view that goes up to ``mark``."""
        return cls(mark, mark.seq, mark.digest)

    def go(self, mark: Bookmark) -> None:
        """Note that the view goes up to ``mark`` now."""
        self.mark, self.seq, self.digest, self.parts = mark, mark.seq, mark.digest, ()

    def apply(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
        """Write records into the view in one transaction."""
        before = (self.mark, self.seq, self.digest, self.parts)
        try:
            with transaction(connection):
                resealed, page = claiming.resealed(connection), view.Page()
                for entry in entries:
                    self._apply(connection, page, entry, read_record(entry))
                page.write(connection)
                if (number := claiming.resealed(connection)) > resealed:
                    # Once all rows are written: those of this page may be sealed as they once were, too.
                    view.note_stale(connection, head_of(number))
                    self.stale = True
                view.save_bookmark(connection, self.mark)
        except BaseException:
            self.mark, self.seq, self.digest, self.parts = before
            raise

    def _apply(self, connection: sqlite3.Connection, page: view.Page, entry: Entry, facts: Facts) -> None:
        if entry.seq != self.seq + 1 or facts.prev != self.digest:
            raise LogDamaged(
                f"Record {entry.seq} in the engine does not follow the one before it: something else changed them. "
                "Restore the engine's own backup."
            )
        self.seq, self.digest = entry.seq, digest_of(entry.facts)
        if facts.claim is not None:
            self.claims += 1
            claiming.take(connection, facts.claim, is_empty=not self.mark.seq)
            view.note_claim(connection, facts.claim)
            self.go(Bookmark(entry.seq, self.digest, entry.place, self.mark.position, facts.owner))
        elif facts.rows is not None:
            if facts.owner != self.mark.owner:
                raise LogDamaged(f"Record {entry.seq} in the engine is of a process that was not the owner.")
            self.parts = (*self.parts, (entry._replace(facts=b"", words=None), facts.rows))
            if facts.kind is Kind.ROWS:
                self._take(page, entry)

    def _take(self, page: view.Page, entry: Entry) -> None:
        """Take over the rows of a record and of the parts before it."""
        position = self.mark.position
        for part, rows in self.parts:
            if rows.first != position + 1:
                raise LogDamaged(
                    f"Record {part.seq} in the engine begins with position {rows.first}, not {position + 1}."
                )
            page.add(rows, part.seq, part.place)
            position = rows.last
        self.go(Bookmark(entry.seq, self.digest, entry.place, position, self.mark.owner))


async def follow(
    partition: Partition,
    connection: Connection,
    follower: Follower,
    progress: Callable[[int], None] = lambda _position: None,
) -> None:
    """Bring a view up to what the engine holds; ``progress`` is called with the position that it has reached.

    Raises LogUnwritable while the engine is away, LogIncomplete where the view does not fit what the engine holds.
    """
    writing: asyncio.Task[None] | None = None
    try:
        async with aclosing(_pages(partition, follower)) as pages:
            async for page in pages:
                if writing:
                    await writing
                    progress(follower.mark.position)
                # The engine sends the next page while this one is written.
                writing = asyncio.create_task(connection.run(partial(_apply, follower, page)))
        if writing:
            await writing
        if follower.stale:
            await _refresh(partition, connection)
            follower.stale = False
    except Torn as error:
        raise LogIncomplete(misfit(partition, follower.seq)) from error
    except Unsure as error:
        raise LogUnwritable(away(partition, error)) from error
    finally:
        if writing:
            await asyncio.gather(writing, return_exceptions=True)


async def _pages(partition: Partition, follower: Follower) -> AsyncGenerator[list[Entry], None]:
    page: list[Entry] = []
    size = 0
    async with aclosing(partition.read(follower.seq, follower.digest, follower.mark.place)) as entries:
        async for entry in entries:
            page.append(entry)
            size += len(entry.facts) + len(entry.words or b"")
            if size >= PAGE_BYTES:
                yield page
                page, size = [], 0
    if page:
        yield page


def _apply(follower: Follower, entries: Sequence[Entry], connection: sqlite3.Connection) -> None:
    follower.apply(connection, entries)


async def _refresh(partition: Partition, connection: Connection) -> None:
    """Take the words of all records from the engine again, if they were sealed anew there; killed, it begins again."""
    if not await connection.run(view.is_stale):
        return
    page: list[Entry] = []
    async with aclosing(partition.read(0, NOTHING, "")) as entries:
        async for entry in entries:
            page.append(entry._replace(facts=b""))
            if sum(len(each.words or b"") for each in page) >= PAGE_BYTES:
                await connection.run(partial(_take_seals, page))
                page = []
    await connection.run(partial(_take_seals, page))
    await connection.run(view.forget_stale)


def _take_seals(entries: Sequence[Entry], connection: sqlite3.Connection) -> None:
    seals: list[tuple[bytes, int]] = []
    for entry in entries:
        if (first := view.first_of(connection, entry.seq)) is not None:
            words = unpack_words(entry.seq, entry.words)
            seals += [(sealed, first + index) for index, (_, _, sealed) in words.items()]
    view.take_seals(connection, seals)


def misfit(partition: Partition, seq: int) -> str:
    """Return the sentence for a view that goes up to a record that the engine does not hold."""
    return (
        f"The log's folder goes up to record {seq} of a log in {partition.name}, and the engine does not hold that "
        "record: it holds another log, or an older copy of this one. Nothing was changed. Check which database was "
        f"named. {claiming.ANEW}"
    )


def away(partition: Partition, error: Unsure) -> str:
    """Return the sentence for an engine that can't be asked."""
    return f"{partition.name}, which keeps the log, can't be used ({error}): check that it runs, and its address."
