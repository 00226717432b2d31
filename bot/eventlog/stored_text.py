"""Reading text that damage made no UTF-8: one such row must not keep those beside it from being read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

_NO_TEXT = "Could not decode to UTF-8"


def fetched(connection: sqlite3.Connection, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement. Bytes that are no text come as surrogates, as Python's file names have them."""
    try:
        return connection.execute(sql, values).fetchall()
    except sqlite3.OperationalError as error:
        if not str(error).startswith(_NO_TEXT):
            raise
    # Reading everything in this way would take longer.
    with text_as_stored(connection):
        return connection.execute(sql, values).fetchall()


@contextmanager
def text_as_stored(connection: sqlite3.Connection) -> Iterator[None]:
    """Read text that is not UTF-8 too, within."""
    factory = connection.text_factory
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    try:
        yield
    finally:
        connection.text_factory = factory
