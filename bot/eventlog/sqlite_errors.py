"""SQLite's errors as our own, which say what to do next."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from bot.errors import LogDamaged, LogUnreadable, LogUnwritable

RESTORE = "Keep the file, restore the folder from a backup, and see `echoless log verify`."
_DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT))
_AMISS = ("Could not decode to UTF-8", "malformed JSON", "no such ", "unsupported file format")
"""SQLite's messages for damaged text, damaged JSON and a damaged schema. They come without a code, or a general one."""

_UNREAD = frozenset((sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ))
_UNWRITABLE = {
    sqlite3.SQLITE_FULL: "can't grow: the disk is full. Free some space.",
    sqlite3.SQLITE_READONLY: "can't be written: the disk or the file is read-only. Make it writable.",
    sqlite3.SQLITE_IOERR: "can't be written: the disk reports an error. Check the disk.",
    sqlite3.SQLITE_CANTOPEN: "can't be opened: check that the folder exists and may be written.",
    sqlite3.SQLITE_BUSY: "is locked by another program, such as a backup: let it finish.",
    sqlite3.SQLITE_LOCKED: "is locked by another program, such as a backup: let it finish.",
    sqlite3.SQLITE_PROTOCOL: "is locked by another program, such as a backup: let it finish.",
    sqlite3.SQLITE_PERM: "can't be opened: check its permissions.",
}


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of sqlite3 into our own, which say what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        exact = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        code = exact & 0xFF
        if code in _DAMAGED or str(error).startswith(_AMISS):
            name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
            raise LogDamaged(f"The log's database is damaged ({name}). {RESTORE}") from error
        if exact in _UNREAD:
            raise LogUnreadable("The log can't be read: the disk reports an error. Check the disk.") from error
        if code in _UNWRITABLE:
            raise LogUnwritable(f"The log {_UNWRITABLE[code]}") from error
        raise
    except (UnicodeDecodeError, MemoryError) as error:
        # A name in a damaged schema, quoted in SQLite's message; a damaged length.
        raise LogDamaged(f"The log's database is damaged. {RESTORE}") from error
