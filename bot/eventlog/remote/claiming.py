"""Claims: by such a record a process becomes the owner of a log in an engine, and everybody before it loses the log.

The newest claim also holds what a folder needs in order to become a view: which log it is, its keys, wrapped under the
master key, which is never in the engine, and the forms of what may be in the log.
"""

from __future__ import annotations

import os
import platform
import socket
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from bot import __version__
from bot.errors import LogDamaged, LogIncomplete
from bot.eventlog import database, partitions
from bot.eventlog import keys as log_keys
from bot.eventlog.forms import FORMS

ANEW = "Where the engine is right, move events.db and what is beside it away: the folder is then made anew."
OWNER_BYTES = 16
_META = ("log_id", "chain", FORMS)
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


def take(connection: sqlite3.Connection, claim: Mapping[str, Any], *, is_empty: bool) -> None:
    """Give a folder what a claim says of the log, within a transaction; raise LogIncomplete where it is another log.

    ``is_empty``: the folder has taken over no record yet. It was made for a new log, and another process began that.
    """
    mine = connection.execute("SELECT value FROM meta WHERE name = 'log_id'").fetchone()
    try:
        meta = {name: bytes.fromhex(value) for name, value in claim["meta"].items() if name in _META}
        keys = [(number, wrapped_at, bytes.fromhex(wrapped)) for number, wrapped_at, wrapped in claim["keys"]]
        count = claim["partitions"]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise LogDamaged("A claim in the engine can't be read. Restore the engine's own backup.") from error
    partitions.require(count, partitions.noted(connection))
    if mine and mine[0] != meta.get("log_id") and not is_empty:
        raise LogIncomplete(
            "The log in the engine is another one than that of the log's folder. Nothing was changed. Check which "
            f"database was named. {ANEW}"
        )
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta.items())
    connection.execute("DELETE FROM keys")
    connection.executemany("INSERT INTO keys (number, wrapped_at, wrapped) VALUES (?, ?, ?)", keys)


_SELECT = f"SELECT name, value FROM meta WHERE name IN ({', '.join('?' * len(_META))})"  # noqa: S608 - constants


def require_key(claim: Mapping[str, Any], master: bytes) -> None:
    """Raise KeyMismatch where ``master`` is not the key of the log of a claim."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        database.lay_out(connection, now=0)
        partitions.note(connection, claim["partitions"])
        take(connection, claim, is_empty=True)
        log_keys.read(connection, master)
