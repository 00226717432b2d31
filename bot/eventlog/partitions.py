"""Partitions: a log may be divided into several, each a log of its own in a folder of its own.

They are made with one number of partitions, which each of them notes, and with one master key. Partition 0 begins:
another one begins only where that stands, so that no two processes begin a log with different numbers or keys.
"""

from __future__ import annotations

import sqlite3
from functools import partial

from bot.errors import LogError, LogForeign
from bot.eventlog import database, keys
from bot.eventlog.location import Location

NOTED = "partitions"
"""The name in ``meta`` of the number of partitions. A log that has none is not divided."""


def note(connection: sqlite3.Connection, partitions: int) -> None:
    """Note the number of partitions in a new log."""
    if partitions > 1:
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (NOTED, b"%d" % partitions))


def noted(connection: sqlite3.Connection) -> int:
    """Return the number of partitions with which a log was made."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (NOTED,)).fetchone()
    return int(row[0]) if row else 1


def require(found: int, wanted: int) -> None:
    """Raise LogForeign where a log has another number of partitions than the settings say."""
    if found != wanted:
        raise LogForeign(
            f"The log has {found} partition{'s' * (found > 1)}, and shards.partitions is {wanted}: the number is "
            f"chosen when a log begins, so set it to {found}, or name another place for a new log. Nothing was changed."
        )


def require_noted(connection: sqlite3.Connection, wanted: int) -> None:
    """Raise LogForeign where the log of a connection has another number of partitions."""
    require(noted(connection), wanted)


def require_room(location: Location) -> None:
    """Raise LogForeign where a log of another number of partitions stands in the folder already."""
    if location.partitions > 1 and location.undivided.has_log():
        require(1, location.partitions)
    first = location.of(0, max(2, location.partitions))
    if first.has_log():
        require(database.look(first.database, noted), location.partitions)


def require_begun(location: Location) -> None:
    """Raise LogError where a partition is to be made in a folder, and partition 0 is missing."""
    if not location.of(0, location.partitions).has_log():
        raise not_begun()


def require_key(location: Location, master: bytes) -> None:
    """Raise KeyMismatch where ``master`` is not the key of partition 0."""
    database.look(location.of(0, location.partitions).database, partial(keys.read, master=master))


def not_begun() -> LogError:
    """Return the error for a partition that can't begin yet."""
    return LogError("Partition 0 begins a log, and it is not there yet: start the process that runs shard 0 first.")
