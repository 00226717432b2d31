"""Logs as older releases left them, made from one of today's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bot.eventlog import database

COLUMNS = (
    "position, stream_id, version, type, v, recorded_at, key_kind, key_id, key_part, correlation, causation, data, "
    "body_digest, hash"
)
TABLES = ("streams", "snapshots", "unfinished", "checkpoints", "meta")


def make_older(path: Path, schema: int) -> None:
    """Put a log with the same contents in the place of a closed one, in an older schema."""
    older = path.with_name("older.db")
    with closing(sqlite3.connect(older, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {database.PAGE_SIZE}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
        connection.executescript(database._BOOKKEEPING)
        for number, (name, script) in enumerate(database.migrations()[:schema], 1):
            connection.executescript(script)
            connection.execute("INSERT INTO migrations VALUES (?, ?, 1)", (number, name))
        connection.execute(f"PRAGMA user_version = {schema}")
        connection.execute("ATTACH ? AS newer", (str(path),))
        for table in TABLES:
            connection.execute(f"INSERT INTO {table} SELECT * FROM newer.{table}")  # noqa: S608 - constants
        connection.execute(f"INSERT INTO events SELECT {COLUMNS} FROM newer.events")  # noqa: S608 - constants
        connection.execute("INSERT INTO bodies SELECT * FROM newer.bodies")
        connection.execute("DETACH newer")
        connection.execute("PRAGMA journal_mode = WAL")
    older.rename(path)


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of a log in any schema, words apart from events."""
    wanted = dict.fromkeys((*TABLES, "bodies"), "*") | {"events": COLUMNS}
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: sorted(connection.execute(f"SELECT {columns} FROM {table}"), key=repr)  # noqa: S608 - constants
            for table, columns in wanted.items()
        }
