"""A log of any release is brought to the form of this one, by whoever opens it as its owner."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from bot.eventlog import database, keys, receipts
from bot.eventlog.vault import Vault


def lift(connection: sqlite3.Connection, master: bytes, clock: Callable[[], int]) -> keys.LogKeys:
    """Give a log this release's schema, keys of its own and receipts for what is erased; return its keys."""
    database.migrate(connection, now=clock())
    keys.adopt(connection, master, clock())
    known = keys.read(connection, master)
    receipts.settle(connection, Vault(known), clock)
    return known
