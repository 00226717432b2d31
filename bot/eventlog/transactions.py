"""Transactions on a plain connection to the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

_REFUSAL = "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = 'events_refuse_update'"


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done within, or none of it."""
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        yield


@contextmanager
def changeable_events(connection: sqlite3.Connection) -> Iterator[None]:
    """Let events be changed within the present transaction."""
    (refusal,) = connection.execute(_REFUSAL).fetchone()
    connection.execute("DROP TRIGGER events_refuse_update")
    yield
    connection.execute(refusal)


@contextmanager
def one_state(connection: sqlite3.Connection) -> Iterator[None]:
    """Have all that is read within see the log in one state, whatever is appended meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
