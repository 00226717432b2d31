"""Claims: by such a record a process becomes the owner of a log in an engine, and everybody before it loses the log.

The newest claim also holds what a folder needs in order to become a view: which log it is, its keys, wrapped under the
master key, which is never in the engine, and the forms of what may be in the log.
"""

from __future__ import annotations

import os
import platform
import socket
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from bot import __version__
from bot.errors import LogDamaged, LogIncomplete
from bot.eventlog import partitions
from bot.eventlog.forms import FORMS
from bot.eventlog.keys import require_fit
from bot.eventlog.remote.record import facts_of_claim

ANEW = "Where the engine is right, move events.db and what is beside it away: the folder is then made anew."
OWNER_BYTES = 16
RESEALED = "resealed"
"""The name in ``meta`` of the number of the key under which all words were sealed anew, and newer ones since then."""
_META = ("log_id", "chain", FORMS, RESEALED)
"""What of ``meta`` belongs to the log and not to the folder."""


def new_owner() -> bytes:
    """Return a name for this process as an owner, which no other has."""
    return os.urandom(OWNER_BYTES)


def claim_of(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return what the claim of this process says."""
    keys = connection.execute("SELECT number, wrapped_at, wrapped FROM keys ORDER BY number")
    return {
        "release": f"{__version__} {platform.python_version()}",
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "partitions": partitions.noted(connection),
        "meta": {name: value.hex() for name, value in connection.execute(_SELECT, _META)},
        "keys": [(number, wrapped_at, wrapped.hex()) for number, wrapped_at, wrapped in keys],
    }


def begin_again(
    owner: bytes, prev: bytes, change: Callable[[sqlite3.Connection], object], connection: sqlite3.Connection
) -> bytes:
    """Change what a claim says, in a transaction that stays open; return the facts of the claim that tells of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        change(connection)
        return facts_of_claim(owner, prev, claim_of(connection))
    except BaseException:
        connection.rollback()
        raise


def take(connection: sqlite3.Connection, claim: Mapping[str, Any], *, is_empty: bool) -> None:
    """Give a folder what a claim says of the log, within a transaction; raise LogIncomplete where it is another log.

    ``is_empty``: the folder has taken over no record yet. It was made for a new log, and another process began that.
    """
    mine = connection.execute("SELECT value FROM meta WHERE name = 'log_id'").fetchone()
    meta, keys, count = _read(claim)
    partitions.require(count, partitions.noted(connection))
    if mine and mine[0] != meta.get("log_id") and not is_empty:
        raise LogIncomplete(
            "The log in the engine is another one than that of the log's folder. Nothing was changed. Check which "
            f"database was named. {ANEW}"
        )
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta.items())
    connection.execute("DELETE FROM keys")
    connection.executemany("INSERT INTO keys (number, wrapped_at, wrapped) VALUES (?, ?, ?)", keys)


def require_key(claim: Mapping[str, Any], master: bytes) -> None:
    """Raise KeyMismatch unless ``master`` is the key of the log as a claim has it."""
    meta, keys, _ = _read(claim)
    require_fit(meta.get("log_id", b""), keys, master)


def resealed(connection: sqlite3.Connection) -> int:
    """Return the number of the key under which all words were sealed anew, 0 if they never were."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (RESEALED,)).fetchone()
    return int(row[0]) if row else 0


def note_resealed(connection: sqlite3.Connection, number: int) -> None:
    """Note the number of the key under which all words were sealed anew, within a transaction."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (RESEALED, b"%d" % number))


def _read(claim: Mapping[str, Any]) -> tuple[dict[str, bytes], list[tuple[int, int, bytes]], int]:
    """Return what a claim says: rows of ``meta``, the keys, and the number of partitions; raise LogDamaged."""
    try:
        meta = {name: bytes.fromhex(value) for name, value in claim["meta"].items() if name in _META}
        keys = [(number, wrapped_at, bytes.fromhex(wrapped)) for number, wrapped_at, wrapped in claim["keys"]]
        return meta, keys, claim["partitions"]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise LogDamaged("A claim in the engine can't be read. Restore the engine's own backup.") from error


_SELECT = f"SELECT name, value FROM meta WHERE name IN ({', '.join('?' * len(_META))})"  # noqa: S608 - constants
