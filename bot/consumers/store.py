"""A consumer's own database: how far it has read, which events are parked, and its own tables beside."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

from bot.errors import EcholessError
from bot.eventlog import database
from bot.eventlog.database import Connection
from bot.eventlog.transactions import transaction

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS echoless_checkpoint (
        one         INTEGER PRIMARY KEY CHECK (one = 1),
        position    INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL,
        incarnation INTEGER NOT NULL,
        log_id      TEXT    NOT NULL,
        version     INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE IF NOT EXISTS echoless_parked (
        position  INTEGER PRIMARY KEY,
        type      TEXT    NOT NULL,
        error     TEXT    NOT NULL,
        attempts  INTEGER NOT NULL,
        parked_at INTEGER NOT NULL
    ) STRICT
    """,
)
_PARK = """
INSERT INTO echoless_parked VALUES (?, ?, ?, ?, ?) ON CONFLICT (position) DO UPDATE
SET error = excluded.error, attempts = attempts + excluded.attempts, parked_at = excluded.parked_at
"""

Finish: TypeAlias = Callable[[sqlite3.Connection], object]


class Checkpoint(NamedTuple):
    """Up to where a consumer has read, in which log, and the version of the consumer that did.

    ``recorded_at`` is the time of the event at ``position``, which tells it from another one there.
    """

    position: int
    recorded_at: int
    incarnation: int
    log_id: str
    version: int


class Parked(NamedTuple):
    """An event that could not be handled; ``error`` is the kind and place of what was raised last."""

    position: int
    type: str
    error: str
    attempts: int
    parked_at: int


class Store:
    """The database, opened. Only what runs between :meth:`begin` and :meth:`commit` is the consumer's own doing."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._sealed = False

    @classmethod
    async def open(cls, path: Path | None) -> Store:
        """Open or make the database, or (None) make one in memory; raise sqlite3.Error or LogError."""
        if path is None:
            store = cls(await database.connect_memory(_kept_in_memory))
        else:
            path.parent.mkdir(exist_ok=True, mode=0o700)
            store = cls(await database.connect_own(path, _tuned))
        await store.connection.submit(store._prepare)
        return store

    def _prepare(self, connection: sqlite3.Connection) -> None:
        with transaction(connection):
            for table in _TABLES:
                connection.execute(table)
        connection.set_authorizer(self._allow)

    def _allow(self, action: int, *_about: str | None) -> int:
        """Keep a consumer from ending the transaction that its writes share with its checkpoint."""
        return sqlite3.SQLITE_DENY if self._sealed and action == sqlite3.SQLITE_TRANSACTION else sqlite3.SQLITE_OK

    async def checkpoint(self) -> Checkpoint | None:
        """Return up to where it has been read, None for a new database."""
        return await self.connection.submit(read_checkpoint)

    async def parked(self) -> list[Parked]:
        """Return the parked events, in order."""
        return await self.connection.submit(read_parked)

    async def write(self, work: Callable[[], Awaitable[object]], finish: Finish) -> None:
        """Run a consumer's ``work``, then ``finish``, in one transaction; raise what they raise, with nothing done."""
        await self.connection.submit(lambda raw: raw.execute("BEGIN IMMEDIATE"))
        self._sealed = True
        try:
            await work()
            self._sealed = False
            await self.connection.submit(lambda raw: _finish(raw, finish))
        except BaseException:
            self._sealed = False
            await self.connection.submit(sqlite3.Connection.rollback)
            raise

    async def save(self, checkpoint: Checkpoint, parked: Iterable[Parked] = ()) -> None:
        """Store a checkpoint and park events, in a transaction of their own."""
        listed = tuple(parked)

        def saved(raw: sqlite3.Connection) -> None:
            with transaction(raw):
                put(raw, checkpoint, listed)

        await self.connection.submit(saved)

    async def drop(self, position: int | None) -> None:
        """Forget a parked event, or all of them."""
        await self.connection.submit(lambda raw: unpark(raw, position))

    async def close(self) -> None:
        """Close the connection; what was not committed is taken back."""
        await self.connection.close()


def _finish(raw: sqlite3.Connection, finish: Finish) -> None:
    finish(raw)
    # Not as a statement: what a consumer was refused must not be found among those prepared before.
    raw.commit()


def _tuned(raw: sqlite3.Connection) -> None:
    raw.execute("PRAGMA journal_mode = WAL")
    # A power loss may take the newest transactions, each as a whole: place in the log and what was written with it.
    raw.execute("PRAGMA synchronous = NORMAL")


def _kept_in_memory(raw: sqlite3.Connection) -> None:
    # What would be a file beside a database on disk stays in memory, too, and what is freed is overwritten.
    raw.execute("PRAGMA temp_store = MEMORY")
    raw.execute("PRAGMA secure_delete = ON")


def put(raw: sqlite3.Connection, checkpoint: Checkpoint, parked: Iterable[Parked] = ()) -> None:
    """Store a checkpoint and park events within a transaction."""
    raw.execute("INSERT OR REPLACE INTO echoless_checkpoint VALUES (1, ?, ?, ?, ?, ?)", checkpoint)
    raw.executemany(_PARK, parked)


def unpark(raw: sqlite3.Connection, position: int | None) -> None:
    """Take an event off the list of the parked, or all of them."""
    raw.execute("DELETE FROM echoless_parked WHERE ? IS NULL OR position = ?", (position, position))


def read_checkpoint(raw: sqlite3.Connection) -> Checkpoint | None:
    """Return the checkpoint of a consumer's database."""
    sql = "SELECT position, recorded_at, incarnation, log_id, version FROM echoless_checkpoint"
    row = raw.execute(sql).fetchone()
    return Checkpoint(*row) if row else None


def read_parked(raw: sqlite3.Connection) -> list[Parked]:
    """Return the parked events of a consumer's database."""
    sql = "SELECT position, type, error, attempts, parked_at FROM echoless_parked ORDER BY position"
    return [Parked(*row) for row in raw.execute(sql)]


def look(path: Path) -> tuple[Checkpoint | None, list[Parked]]:
    """Return what a consumer's database says, read beside whoever writes it; raise sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as raw:
        return read_checkpoint(raw), read_parked(raw)


def fold_in(path: Path) -> None:
    """Move everything into the database file, so that it can be renamed; raise sqlite3.Error while it is read."""
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode = DELETE").fetchone()


def discard(path: Path) -> None:
    """Delete a database. A write-ahead log that a kill leaves beside is ignored by the next database of the name."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def readable() -> Iterator[None]:
    """Turn errors of SQLite over files of the consumers into a sentence for the command line."""
    try:
        yield
    except sqlite3.Error as error:
        raise EcholessError(
            f"A file of the consumers can't be used ({error}): try again, and check the permissions of its folder."
        ) from error
