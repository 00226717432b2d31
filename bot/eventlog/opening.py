"""What a log's files have to be before anything is done with them: one log, whole, and no copy of half of it.

**The mark.** While an owner has a log open, the table ``meta`` says so, in the database file itself: with a random
number that is also SQLite's schema number, with the file's inode, and with the newest position. Closing removes it. So
a copy tells how it was made:

- No mark: the log was closed, and the database is all of it.
- A mark with another schema number: SQLite's own backup made the copy, which is all of one moment.
- A mark, and another inode: a copy of the files of a running or killed log. The database needs its ``-wal``, and as
  the two may have been copied at different moments, everything is verified.
- A mark and this inode: the owner was killed. What it left is checked from the end of the database file on.

A backup says that it is one (see :mod:`bot.eventlog.backup`). Who would go on from it as it is would answer again what
was answered since then, so an owner refuses it: restoring is a step of its own.
"""

from __future__ import annotations

import secrets
import sqlite3
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import structlog

from bot.errors import LogDamaged, LogError, LogForeign, LogIncomplete
from bot.eventlog import database, tail
from bot.eventlog.checkpoints import empty_wal
from bot.eventlog.transactions import transaction
from bot.eventlog.vault import Vault
from bot.eventlog.verify import require_whole
from bot.eventlog.wal import WriteAheadLog, leftover_fits, read_wal, wal_path

BACKUP = "backup"
"""The name in ``meta`` of a backup's manifest."""
ARCHIVE = "archive"
"""The name in ``meta`` of an archive's manifest (see :mod:`bot.eventlog.archive`)."""
IN_USE = "in_use"
"""The name in ``meta`` of the mark."""
FEWEST = 256
"""Events at the end that are always checked."""
UNREADABLE = 20_000
"""Events at the end that are checked when the database file alone can't be read, as in the middle of a checkpoint."""

_MARK = struct.Struct(">qqq")
_COOKIES = (1_000_000, 2**31)

_log = structlog.get_logger()


class Mark(NamedTuple):
    """What an owner noted when it opened the log: the schema number, the file's inode, the newest position."""

    cookie: int
    inode: int
    position: int


@dataclass(frozen=True, slots=True)
class Alone:
    """What the database file says without its write-ahead log; ``readable`` is False in the middle of a checkpoint."""

    mark: Mark | None = None
    cookie: int = 0
    position: int = 0
    is_backup: bool = False
    is_archive: bool = False
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Files:
    """A log's files, seen without changing anything."""

    path: Path
    alone: Alone
    wal: WriteAheadLog | None

    @property
    def copied(self) -> bool:
        """Tell whether the files are a copy of those of a running or killed log."""
        mark = self.alone.mark
        return mark is not None and mark.inode != self.path.stat().st_ino

    @property
    def sqlite_made_it(self) -> bool:
        """Tell whether SQLite's own backup made the database, which is whole then."""
        return self.alone.mark is not None and self.alone.mark.cookie != self.alone.cookie


def see(path: Path) -> Files:
    """Look at the files of a log; raise LogIncomplete where they can't be all of it, LogForeign for an archive.

    For owners and readers.
    """
    log_path = wal_path(path)
    there = log_path.exists()
    files = Files(path, _alone(path), read_wal(log_path) if there else None)
    if files.alone.is_archive:
        raise LogForeign(f"{path} is an archive of a channel, and no log: `echoless log show --archive FILE` reads it.")
    if files.alone.mark is None or files.sqlite_made_it:
        return files
    if files.wal is None and there:
        # An owner has just closed the log: the mark was there still, and the write-ahead log goes last.
        return see(path)
    if files.wal is None:
        raise LogIncomplete(_half(path, f"{log_path.name} is missing"))
    if files.copied and files.wal.torn:
        raise LogIncomplete(_half(path, f"{log_path.name} was begun anew while it was copied"))
    if files.copied and not files.wal.committed and not _may_be_empty(files, log_path):
        raise LogIncomplete(_half(path, f"{log_path.name} was copied at another moment"))
    return files


def see_nothing(path: Path) -> None:
    """Raise LogIncomplete where the database is missing and its -wal is there: a new log would use it."""
    wal = read_wal(wal_path(path))
    if wal is not None and wal.size:
        raise LogIncomplete(
            f"{path} is missing, and {wal_path(path).name} is there: a new log beside it would be neither. "
            f"Put {path.name} back, or restore a backup: `echoless restore FILE`."
        )


def see_as_owner(path: Path) -> Files:
    """Look at the files as :func:`see` does, and refuse what an owner may not go on from."""
    files = see(path)
    mark, log_path = files.alone.mark, wal_path(path)
    if files.alone.is_backup or files.sqlite_made_it:
        beside = f", and {log_path.name} beside it is of another log" if files.wal and files.wal.committed else ""
        raise LogIncomplete(
            f"{path} is a backup{beside}. Going on from it as it is, the bot would answer again what it answered since "
            f"then. {_two_commands(path)}"
        )
    if mark and files.wal and not files.wal.committed and not _may_be_empty(files, log_path):
        raise LogIncomplete(_half(path, f"{log_path.name} is not the one that belongs to it"))
    return files


def check(connection: sqlite3.Connection, vault: Vault, files: Files) -> None:
    """Check what a look at the files leaves open; raise LogDamaged. For an owner, before it writes anything."""
    if files.copied:
        _log.info("log.verifying", reason="it is a copy of a log that was in use")
        require_whole(connection, vault)
        return
    newest = tail.newest_position(connection)
    alone = files.alone
    if alone.readable and alone.position > newest:
        fault = f"the database knows position {alone.position} and its write-ahead log ends at {newest}"
    else:
        seen = alone.position if alone.readable else newest - UNREADABLE
        fault = tail.fault_after(connection, vault, max(0, min(seen, newest - FEWEST)))
    if fault and files.wal and files.wal.committed:
        raise LogDamaged(
            f"{files.path} and its -wal do not belong together ({fault}): one of them was replaced. Nothing was "
            f"changed. Where {files.path.name} is a backup that was copied there: {_two_commands(files.path)} "
            "Otherwise restore a backup: `echoless restore FILE --force`."
        )
    if fault:
        raise LogDamaged(
            f"The end of the log {files.path} is damaged ({fault}). Nothing was changed: see `echoless log verify`, "
            "and restore a backup: `echoless restore FILE --force`."
        )


def mark(connection: sqlite3.Connection, path: Path) -> None:
    """Note in the database file that an owner has it open."""
    low, high = _COOKIES
    cookie = low + secrets.randbelow(high - low)
    noted = _MARK.pack(cookie, path.stat().st_ino, tail.newest_position(connection))
    with transaction(connection):
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (IN_USE, noted))
        connection.execute(f"PRAGMA schema_version = {cookie}")
    empty_wal(connection)


def unmark(connection: sqlite3.Connection) -> None:
    """Note that the log is closed; closing the last connection brings that into the database file."""
    connection.execute("DELETE FROM meta WHERE name = ?", (IN_USE,))


def _alone(path: Path) -> Alone:
    try:
        return database.look_alone(path, _read_alone)
    except (sqlite3.DatabaseError, LogError, TypeError, ValueError):
        return Alone(readable=False)


def _read_alone(connection: sqlite3.Connection) -> Alone:
    meta = dict(connection.execute("SELECT name, value FROM meta WHERE name IN (?, ?, ?)", (BACKUP, ARCHIVE, IN_USE)))
    noted = meta.get(IN_USE)
    mark = Mark(*_MARK.unpack(noted)) if isinstance(noted, bytes) and len(noted) == _MARK.size else None
    (cookie,) = connection.execute("PRAGMA schema_version").fetchone()
    return Alone(mark, cookie, tail.newest_position(connection), BACKUP in meta, ARCHIVE in meta)


def _may_be_empty(files: Files, log_path: Path) -> bool:
    """Tell whether a write-ahead log without a commit is right beside a database with a mark.

    It is where nothing was written since the log was opened, and where the file had just been begun anew.
    """
    alone, wal = files.alone, files.wal
    if not alone.readable or alone.mark is None or wal is None:
        return False
    return alone.position == alone.mark.position or leftover_fits(wal, log_path, files.path)


def _half(path: Path, why: str) -> str:
    return (
        f"{path} was copied from a running bot, or its bot was killed, and {why}: the newest events may be missing. "
        "Copy a log with `echoless backup FILE`, or the whole folder while the bot is stopped. To go on from this file "
        f"all the same: {_two_commands(path)}"
    )


def _two_commands(path: Path) -> str:
    aside = path.with_name("backup.db")
    return f"Run `mv {path} {aside}` and `echoless restore {aside} --log {path.parent} --force`."
