"""The way of a commit to an engine, which keeps what counts.

The batch is inserted into the view in a transaction that stays open: SQLite refuses a repeated key here, before
anything has left the process. Then its record is appended to the engine. Then the transaction is committed, with the
record's number, and the callers are answered. So nobody reads what the engine has not acknowledged, and a process that
dies in between finds the record in the engine.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeVar

import structlog

from bot.backoff import backoff
from bot.errors import LogDamaged, LogError, LogFenced, LogUnwritable
from bot.eventlog.batch import Batch
from bot.eventlog.database import Connection
from bot.eventlog.finished import Finish
from bot.eventlog.remote import claiming, view
from bot.eventlog.remote.following import Follower, away, follow
from bot.eventlog.remote.port import Fenced, Partition, Torn, Unsure, digest_of
from bot.eventlog.remote.record import Kind, Rows, facts_of_rows, split, words_of_rows
from bot.eventlog.remote.view import Bookmark

LONGEST_PAUSE = 5.0
"""Seconds between two tries while the engine is away."""
TRIES = 5
"""How often a record is tried while the engine is away, by one who does not wait for it."""
PATIENCE = 3.0
"""Seconds for which a bot that stops waits for an engine that is away."""

T = TypeVar("T")

_log = structlog.get_logger()


class Record(NamedTuple):
    """A record on its way: the position of its first event, its number, its facts, its words."""

    first: int
    seq: int
    facts: bytes
    words: bytes | None


@dataclass(slots=True)
class Remote:
    """Brings the writer's batches to an engine, one after the other; ``connection`` is the writer's.

    ``trouble`` is why the engine can't be asked ("": it can). ``lost`` gets the reason when this process is the owner
    no more, or can't know whether a record is kept: then nothing is appended again. ``on_erased`` is called after a
    commit that erased words.
    """

    partition: Partition
    connection: Connection
    follower: Follower
    owner: bytes
    trouble: str = ""
    lost: asyncio.Future[LogError] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    on_erased: Callable[[], None] = lambda: None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _leaving: asyncio.Event = field(default_factory=asyncio.Event)
    _finished: list[int] = field(default_factory=list)
    _behind: bool = False
    _waiting: bool = False

    def launch(self, batch: Batch) -> asyncio.Future[None]:
        """Commit a batch after those that were launched before; the future ends when it is done, or raises why not."""
        return asyncio.get_running_loop().create_task(self._commit(batch), name="log commit")

    async def catch_up(self) -> None:
        """Bring the view up to the engine where a commit failed after its record was kept.

        Raises LogUnwritable while that can't be done, LogFenced when somebody else owns the log now.
        """
        self.require_owned()
        if not self._behind:
            return
        async with self._turn:
            await follow(self.partition, self.connection, self.follower)
            if self.follower.mark.owner != self.owner:
                raise self.lose(fenced())
            self._behind = False

    async def look(self) -> None:
        """Look whether somebody else has claimed the log; raise LogFenced then, Unsure where the engine is away."""
        async with self._turn:
            mark = self.follower.mark
            if self._behind:
                return
            try:
                async with aclosing(self.partition.read(mark.seq, mark.digest, mark.place)) as newer:
                    async for _ in newer:
                        raise self.lose(fenced())
            except Torn as error:
                raise self.lose(LogDamaged(_torn(self.partition, mark.seq))) from error

    def require_owned(self) -> None:
        """Raise the reason for which this process may append no more, if there is one."""
        if self.lost.done():
            raise self.lost.result()

    def lose(self, why: LogError) -> LogError:
        """Append nothing again, because of ``why``; return it."""
        if not self.lost.done():
            _log.error("log.lost", reason=str(why))
            self.lost.set_result(why)
        return why

    def hurry(self) -> None:
        """Wait no longer than some seconds for an engine that is away, because the bot stops."""
        asyncio.get_running_loop().call_later(PATIENCE, self._leaving.set)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work`` returns for the writer's connection, between two of its transactions."""
        async with self._turn:
            return await self.connection.run(work)

    async def _commit(self, batch: Batch) -> None:
        async with self._turn:
            if batch.line.broken:
                return
            try:
                if batch.rows:
                    self.require_owned()
                    await self._append(batch)
                else:
                    await self.connection.submit(batch.write)
            except BaseException:
                batch.line.broken = True
                raise
            self._finished += [
                work.finished for _, work in batch.works() if isinstance(work, Finish) and work.finished is not None
            ]

    async def _append(self, batch: Batch) -> None:
        records = await self.connection.submit(partial(self._begin, batch))
        try:
            places = [(await self._keep(record), record.first) for record in records]
        except BaseException:
            await self._roll_back()
            raise
        self._finished.clear()
        last = records[-1]
        mark = self.follower.mark
        mark = Bookmark(last.seq, digest_of(last.facts), places[-1][0], mark.position + batch.rows, self.owner)
        await self._settle(mark, places)
        if batch.erases:
            self.on_erased()

    async def _settle(self, mark: Bookmark, places: Sequence[tuple[str, int]]) -> None:
        """Commit in the view what the engine has kept."""
        try:
            await self.connection.submit(partial(_commit, mark, places))
        except BaseException as error:
            self._behind = True
            await self._roll_back()
            raise LogUnwritable(_BEHIND) from error
        self.follower.go(mark)

    async def claim_again(self, change: Callable[[sqlite3.Connection], object]) -> None:
        """Change what a claim says of the log, in the view and by another claim of this owner, or in neither.

        Nothing must be on its way meanwhile. Raises LogError as an append does.
        """
        async with self._turn:
            self.require_owned()
            seq = self.follower.mark.seq + 1
            begin = partial(claiming.begin_again, self.owner, self.follower.mark.digest, change)
            facts = await self.connection.submit(begin)
            try:
                place = await self._keep(Record(0, seq, facts, None))
            except BaseException:
                await self._roll_back()
                raise
            await self._settle(self.follower.mark._replace(seq=seq, digest=digest_of(facts), place=place), ())

    def _begin(self, batch: Batch, connection: sqlite3.Connection) -> list[Record]:
        """Write a batch in a transaction that stays open; return its records. On the connection's thread."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            records = list(self._records(batch, connection))
            batch.insert(connection)
            for waiting, work in batch.works():
                waiting.outcome = work(connection)
        except BaseException:
            connection.rollback()
            raise
        return records

    def _records(self, batch: Batch, connection: sqlite3.Connection) -> Sequence[Record]:
        mark, records = self.follower.mark, list[Record]()
        prev = mark.digest
        pieces = list(split(Rows(batch.values, tuple(self._finished)), self.partition.limit))
        for seq, rows in enumerate(pieces, mark.seq + 1):
            kind = Kind.ROWS if rows is pieces[-1] else Kind.PART
            facts = facts_of_rows(kind, self.owner, prev, rows)
            records.append(Record(rows.first, seq, facts, words_of_rows(rows)))
            prev = digest_of(facts)
        view.note_records(connection, ((record.first, record.seq, "") for record in records))
        return records

    async def _keep(self, record: Record) -> str:
        """Append a record, however long the engine is away: the same bytes again, until it is certain.

        Returns its bookmark.
        """
        tries = 0
        while True:
            try:
                place = await self.partition.append(record.seq, record.facts, record.words)
            except Fenced as error:
                raise self.lose(fenced()) from error
            except Torn as error:
                raise self.lose(LogDamaged(_torn(self.partition, record.seq - 1))) from error
            except Unsure as error:
                self._waiting = True
                self.say(error)
                tries += 1
                await self._pause(backoff(tries, LONGEST_PAUSE))
            else:
                self._waiting = False
                self.say(None)
                return place

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._leaving.wait(), seconds)
            raise self.lose(LogUnwritable(_UNKNOWN))

    def heard(self) -> None:
        """Note that the engine has answered something else than an append."""
        if not self._waiting:
            self.say(None)

    def say(self, trouble: Unsure | None) -> None:
        """Note that the engine is away, or that it is there; say it once."""
        if trouble and not self.trouble:
            _log.error("log.away", reason=str(trouble))
        elif self.trouble and not trouble:
            _log.info("log.back")
        self.trouble = away(self.partition, trouble) if trouble else ""

    async def _roll_back(self) -> None:
        await self.connection.submit(_roll_back)


async def kept(partition: Partition, seq: int, facts: bytes, words: bytes | None) -> str:
    """Append a record of one who does not wait for ever; raise Unsure when the engine is away for some seconds."""
    for tries in range(1, TRIES):
        try:
            return await partition.append(seq, facts, words)
        except Unsure:
            await asyncio.sleep(backoff(tries, LONGEST_PAUSE))
    return await partition.append(seq, facts, words)


def fenced() -> LogFenced:
    """Return the error for an owner whom another process has replaced."""
    return LogFenced(
        "Another process has taken over the log in the engine, so this one stops. One process at a time owns a log: "
        "see docs/many-hosts.md."
    )


def _commit(mark: Bookmark, places: Sequence[tuple[str, int]], connection: sqlite3.Connection) -> None:
    if mark.place:
        view.note_places(connection, places)
    view.save_bookmark(connection, mark)
    connection.execute("COMMIT")


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.rollback()


_BEHIND = (
    "The engine has kept the events, and the log's folder can't be written: check its permissions and the space on its "
    "disk. It catches up by itself."
)
_UNKNOWN = (
    "The bot stops while the engine that keeps the log is away, so nobody knows whether the last events are recorded: "
    "start it again when the engine is back."
)


def _torn(partition: Partition, seq: int) -> str:
    return (
        f"{partition.name} does not hold record {seq} any more, which it had kept: it was restored from an older copy, "
        "or a copy took its place that lacked the newest records. The log's folder holds them: keep it, and see "
        "docs/many-hosts.md."
    )
