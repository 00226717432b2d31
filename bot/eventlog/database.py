"""The database file: created whole or not at all, migrated forwards, connected to."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import aiosqlite

from bot.errors import LogDamaged, LogError, LogForeign, LogUnwritable
from bot.eventlog.sqlite_errors import RESTORE, translated
from bot.eventlog.wal import shm_path, wal_path

APPLICATION_ID = 0x4563686F
"""``Echo`` in ASCII: marks a database file as ours."""

FILE_NAME = "events.db"
PAGE_SIZE = 4096
"""A commit writes whole pages. Compared with 16 KiB, a commit of one event took half the time, of 100 two thirds."""
BUSY_MILLISECONDS = 5000
WAL_BYTES = 2**24
"""The size to which SQLite cuts the file of the write-ahead log when that begins anew."""


BOOKKEEPING = """
CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT;
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
"""
"""What the code needs before any migration."""
_AS_TODAY = {
    # From version 4 on an event's row holds its words.
    4: """
CREATE TEMP VIEW events AS
SELECT e.*, b.subject_id, b.salt, CAST(x'01' || b.sealed AS BLOB) AS sealed
FROM main.events e LEFT JOIN main.bodies b ON b.position = e.position
""",
    8: """
CREATE TEMP VIEW own_snapshots AS
SELECT stream_id, '' AS name, version, fold, taken_at, digest, state FROM main.snapshots WHERE 0
""",
}
"""What shows readers a log of an older release, which no owner has opened since, in the form of today: by the schema
version that brought what it stands for."""

_IMMUTABLE, _WITHOUT_FILES = "&immutable=1", "&vfs=unix-none"
"""Ends of URIs: what nobody writes is read without a lock, and without or with its write-ahead log."""

T = TypeVar("T")


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that can run a whole function on its thread, in one hop."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work`` returns for the underlying connection. Errors of sqlite3 are raised as our own."""
        with translated():
            return await self.submit(work)

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Queue ``work`` for the thread at once, and return a future of what it returns or raises."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        # aiosqlite's inner method. Its coroutines would begin only at the loop's next turn.
        self._tx.put_nowait((future, partial(work, self._conn)))
        return future

    async def gone(self) -> None:
        """Wait until the thread of a cancelled connection has ended, so that it does not report to a closed loop."""
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)


def migrations() -> tuple[tuple[str, str], ...]:
    """Return the name and SQL of each migration, in order."""
    scripts = [
        script for script in files("bot.eventlog").joinpath("migrations").iterdir() if script.name.endswith(".sql")
    ]
    return tuple((script.name, script.read_text(encoding="utf-8")) for script in sorted(scripts, key=lambda s: s.name))


def refuse_newer(path: Path, version: int) -> None:
    """Raise LogForeign for the schema of a newer release."""
    if version > len(migrations()):
        raise LogForeign(
            f"{path} has schema version {version} and this release knows {len(migrations())}: use the newer release."
        )


def create(path: Path, *, now: int, begin: Callable[[sqlite3.Connection], None]) -> None:
    """Make a new log file at ``path``, which appears whole or not at all; ``begin`` writes what it begins with."""
    draft = path.with_name(path.name + ".new")
    with translated(), _creating(path):
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600, exist_ok=False)
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            lay_out(connection, now=now)
            begin(connection)
            connection.execute("PRAGMA journal_mode = WAL")
        draft.rename(path)
        sync_folder(path.parent)


def lay_out(connection: sqlite3.Connection, *, now: int) -> None:
    """Give an empty database the schema of a log."""
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.executescript(BOOKKEEPING)
    migrate(connection, now=now)


def migrate(connection: sqlite3.Connection, *, now: int) -> None:
    """Bring the schema to this release's version: each migration and its record in one transaction.

    A migration leaves free pages behind, and a long write-ahead log. Both are given back afterwards. A kill may leave
    that undone: then appends use the pages.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (made,) = connection.execute("SELECT count(*) FROM migrations").fetchone()
    if made != version:
        raise LogDamaged(f"The log says that it has schema version {version}, and it was given {made}. {RESTORE}")
    if version == len(migrations()):
        return
    for number, (name, script) in enumerate(migrations()[version:], version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {script}\n"
            f"INSERT INTO migrations VALUES ({number}, '{name}', {now});"
            f"PRAGMA user_version = {number}; COMMIT;"
        )
    connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")


def look(path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """Return what ``work`` returns for the log at ``path``, which is opened for reading and left as it is."""
    uri = _untouching(path)
    with (
        translated(),
        closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_MILLISECONDS / 1000)) as connection,
    ):
        _prepare_reading(connection, path, uri)
        return work(connection)


def look_alone(path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """Return what ``work`` returns for the database file without its write-ahead log; errors are those of sqlite3."""
    with closing(connection_alone(path)) as connection:
        return work(connection)


def connection_alone(path: Path) -> sqlite3.Connection:
    """Return a connection that reads a database file without its write-ahead log."""
    return sqlite3.connect(_uri(path, "ro") + _IMMUTABLE, uri=True, isolation_level=None)


def _check_version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the schema version, and refuse a newer one: the header may be old, and the write-ahead log know better."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    refuse_newer(path, version)
    return version


async def connect_writer(path: Path, *, full: bool) -> Connection:
    """Return a connection for the writer, or for its checkpoints; ``full`` syncs every commit to the disk."""
    return await _connect(_uri(path, "rw"), partial(_prepare, full=full))


def connection_for_writing(path: Path) -> sqlite3.Connection:
    """Return a connection to a log at rest, for work that changes it and needs no other connection."""
    return _connection(_uri(path, "rw"), partial(_prepare, full=True))


def _prepare(connection: sqlite3.Connection, *, full: bool) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA secure_delete = ON")
    # When somebody has read for long, and the write-ahead log has grown, it becomes small again at its next beginning.
    connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    # SQLite's own checkpoint at 64 MiB, for when no checkpointer runs (see checkpoints.py).
    connection.execute(f"PRAGMA wal_autocheckpoint = {2**26 // PAGE_SIZE}")


async def connect_alone(path: Path) -> Connection:
    """Return a connection that reads a database file that nobody writes, without looking at files beside it."""
    uri = _uri(path, "ro") + _IMMUTABLE
    return await _connect(uri, partial(_prepare_reading, path=path, uri=uri))


async def connect_own(path: Path, prepare: Callable[[sqlite3.Connection], None]) -> Connection:
    """Return a connection to a follower's own database at ``path``, which is made where there is none."""
    return await _connect(_uri(path, "rwc"), prepare)


async def connect_memory(prepare: Callable[[sqlite3.Connection], None]) -> Connection:
    """Return a connection to a new database in memory, which goes with it."""
    return await _connect("file::memory:", prepare)


async def connect_reader(path: Path) -> Connection:
    """Return a connection that can only read; it never blocks the writer and is never blocked by it."""
    uri = _reading(path)
    return await _connect(uri, partial(_prepare_reading, path=path, uri=uri))


def connection_for_reading(path: Path) -> sqlite3.Connection:
    """Return what :func:`connect_reader` does, for work without a loop."""
    uri = _reading(path)
    return _connection(uri, partial(_prepare_reading, path=path, uri=uri))


def _prepare_reading(connection: sqlite3.Connection, path: Path, uri: str) -> None:
    if uri.endswith(_WITHOUT_FILES):
        # Then SQLite keeps its index of the write-ahead log in memory.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    version = _check_version(connection, path)
    for first, view in _AS_TODAY.items():
        if version < first:
            connection.execute(view)


def _uri(path: Path, mode: str) -> str:
    return f"{path.absolute().as_uri()}?mode={mode}"


def _reading(path: Path) -> str:
    """Return a URI for reading. Where no file can be made beside the log, nobody can write it either."""
    wal = wal_path(path)
    if os.access(path.parent, os.W_OK) or shm_path(path).exists():
        return _uri(path, "ro")
    return _uri(path, "ro") + (_WITHOUT_FILES if wal.exists() and wal.stat().st_size else _IMMUTABLE)


def _untouching(path: Path) -> str:
    """Return a URI that reads a log without creating files beside it, where no process has the log open."""
    return _reading(path) if wal_path(path).exists() else _uri(path, "ro") + _IMMUTABLE


def _connection(uri: str, prepare: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_MILLISECONDS / 1000)
    try:
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


async def _connect(uri: str, prepare: Callable[[sqlite3.Connection], None]) -> Connection:
    connection = Connection(partial(_connection, uri, prepare), iter_chunk_size=64)
    opening = asyncio.ensure_future(_open(connection))
    try:
        await asyncio.shield(opening)
    except asyncio.CancelledError:
        # The caller was cancelled, as by Ctrl-C. The thread opens the connection all the same, so close it.
        with suppress(sqlite3.Error, LogError):
            await opening
            await connection.close()
        await connection.gone()
        raise
    return connection


async def _open(connection: Connection) -> None:
    try:
        with translated():
            await connection
    except BaseException:
        await connection.gone()
        raise


@contextmanager
def _creating(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LogUnwritable(
            f"The log can't be made in {path.parent}: {error.strerror}. Check its permissions, or name another folder "
            "(log.path)."
        ) from error


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that a rename in it survives a power loss."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
