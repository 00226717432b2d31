"""The schema that a log of some version has to have, and the one that it really has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import TypeAlias

from bot.eventlog.database import BOOKKEEPING, migrations

Schema: TypeAlias = dict[tuple[str, str], str]
"""The SQL of each table, index, view and trigger, by kind and name."""


def schema(connection: sqlite3.Connection) -> Schema:
    """Return the schema of a log."""
    rows = connection.execute("SELECT type, name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL")
    return {(kind, name): sql for kind, name, sql in rows}


def schema_of(version: int, more: Iterable[str] = ()) -> Schema:
    """Return the schema that a log of schema ``version`` has to have, with what ``more`` statements make."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(BOOKKEEPING)
        for _, script in migrations()[:version]:
            connection.executescript(script)
        for statement in more:
            connection.execute(statement)
        return schema(connection)
