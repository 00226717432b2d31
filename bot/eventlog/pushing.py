"""A log of SQLite is copied into an engine, which keeps it from then on. The log itself stays as it is.

What a push that was interrupted has brought there is found and compared, and the next one goes on behind it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from bot.errors import LogDamaged, LogError, LogIncomplete, LogLocked, LogUnwritable
from bot.eventlog import database, header, opening, partitions, receipts
from bot.eventlog.batch import COLUMNS, WIDTH, Effect
from bot.eventlog.codec import event_models
from bot.eventlog.location import Location
from bot.eventlog.master import vault_of
from bot.eventlog.owner import Ownership
from bot.eventlog.remote import claiming
from bot.eventlog.remote.appending import kept
from bot.eventlog.remote.following import away
from bot.eventlog.remote.opening import Engine, require_kind
from bot.eventlog.remote.owning import Taking
from bot.eventlog.remote.port import Fenced, Partition, Unsure, digest_of
from bot.eventlog.remote.record import Kind, Rows, facts_of_claim, facts_of_rows, read_record, split, words_of_rows
from bot.eventlog.remote.view import Bookmark
from bot.eventlog.sqlite_errors import translated
from bot.eventlog.verify import require_whole

PAGE = 500
"""Events of one record."""

OnProgress = Callable[[int, int], object]
"""Called with the number of events that the engine has, and with that of all."""

_ROWS = f"""
SELECT {", ".join(f"e.{name}" for name in COLUMNS[:-2])}, CASE WHEN e.version = 1 THEN s.name END,
       s.id IN (SELECT stream_id FROM unfinished)
FROM events e JOIN streams s ON s.id = e.stream_id WHERE e.position > ? ORDER BY e.position LIMIT {PAGE}
"""  # noqa: S608 - constants
_TYPE, _EFFECT, _HASH = COLUMNS.index("type"), WIDTH - 1, COLUMNS.index("hash")


async def push(
    location: Location,
    engine: Engine,
    *,
    clock: Callable[[], int],
    progress: OnProgress = lambda _done, _total: None,
) -> int:
    """Copy the log into the engine, as far as it is not there; return how many events that were.

    Raises LogLocked while a process owns the log or that in the engine, LogDamaged where verification finds a fault,
    LogIncomplete where the engine holds another log or more than this one, LogUnwritable while the engine is away.
    """
    partitions.require_room(location)
    ownership = Ownership(location.folder)
    ownership.acquire(clock())
    try:
        await engine.partition.open()
        with translated(), closing(_checked(location)) as connection:
            copy = _Push(engine.partition, connection, progress)
            await copy.compare()
            taking = Taking(
                engine.partition, engine.takeover, engine.clock, standby=False, holder=None, standing=engine.standing
            )
            await taking.until_free(lambda: copy.mark, copy.compare)
            count = await copy.run()
            await engine.partition.beat(copy.mark.owner)
            return count
    except Unsure as error:
        raise LogUnwritable(away(engine.partition, error)) from error
    except Fenced as error:
        raise LogLocked("Another process appends to the log in the engine: stop it first.") from error
    finally:
        await engine.partition.close()
        ownership.release()


def _checked(location: Location) -> sqlite3.Connection:
    """Return a connection to a log that may be copied: whole, of this release, and no view."""
    files = opening.see_as_owner(location.database)
    database.look(location.database, lambda raw: require_kind(raw, is_remote=False))
    connection = database.connection_for_reading(location.database)
    try:
        _require_settled(location, connection, files)
        require_whole(connection, vault_of(location))
    except BaseException:
        connection.close()
        raise
    return connection


def _require_settled(location: Location, connection: sqlite3.Connection, files: opening.Files) -> None:
    """Raise LogError for a log that an owner of this release has to lift, or to close, first."""
    older = header.inspect(location.database) < len(database.migrations()) or not receipts.settled(connection)
    if older or (files.wal is not None and files.wal.committed):
        raise LogError("The log is of an older release, or its bot was killed: start the bot once, and stop it.")


@dataclass(slots=True)
class _Push:
    """Brings a log to a partition; ``mark`` is how far it is there."""

    partition: Partition
    connection: sqlite3.Connection
    progress: OnProgress
    mark: Bookmark = field(default_factory=Bookmark)

    async def compare(self) -> None:
        """Read what the engine holds; raise LogIncomplete unless it is the beginning of this log."""
        async for entry in self.partition.read(self.mark.seq, self.mark.digest, ""):
            record, position = read_record(entry), self.mark.position
            if record.prev != self.mark.digest:
                raise LogDamaged(f"Record {entry.seq} in the engine does not follow the one before it.")
            if record.rows is not None:
                position = record.rows.last
                self._compare(position, record.rows.values[_HASH - WIDTH])
            elif record.claim is not None and record.claim["meta"]["log_id"] != self._log_id().hex():
                raise LogIncomplete("The engine holds another log already: name another database, or an empty schema.")
            self.mark = Bookmark(entry.seq, digest_of(entry.facts), "", position, record.owner)

    async def run(self) -> int:
        """Append what is missing; return how many events that were."""
        before = self.mark.position
        (total,) = self.connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
        if before == total and before:
            return 0
        owner = claiming.new_owner()
        await self._append(facts_of_claim(owner, self.mark.digest, claiming.claim_of(self.connection)), None, owner)
        for page in self._pages():
            for rows in split(page, self.partition.limit):
                facts = facts_of_rows(Kind.ROWS, owner, self.mark.digest, rows)
                await self._append(facts, words_of_rows(rows), owner, rows.last)
            self.progress(self.mark.position, total)
        return int(total) - before

    async def _append(self, facts: bytes, words: bytes | None, owner: bytes, position: int | None = None) -> None:
        seq = self.mark.seq + 1
        await kept(self.partition, seq, facts, words)
        position = self.mark.position if position is None else position
        self.mark = Bookmark(seq, digest_of(facts), "", position, owner)

    def _pages(self) -> Iterator[Rows]:
        effects = {model.TYPE: Effect.ERASES if model.ERASES else int(model.OPENS) for model in event_models()}
        while rows := self.connection.execute(_ROWS, (self.mark.position,)).fetchall():
            values: list[Any] = []
            for row in rows:
                effect = int(effects.get(row[_TYPE], 0))
                # A stream that is finished here leaves no work there.
                values += (*row[:_EFFECT], effect if row[_EFFECT] or effect == Effect.ERASES else 0)
            yield Rows(values)

    def _compare(self, position: int, link: bytes) -> None:
        row = self.connection.execute("SELECT hash FROM events WHERE position = ?", (position,)).fetchone()
        if row is None or row[0] != link:
            raise LogIncomplete(
                "The engine holds events that the log's folder does not: it is the newer one. Nothing was changed."
            )

    def _log_id(self) -> bytes:
        (log_id,) = self.connection.execute("SELECT value FROM meta WHERE name = 'log_id'").fetchone()
        return bytes(log_id)
