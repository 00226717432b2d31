"""Work on a log at rest, as its owner and without a loop."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial

from bot.eventlog import database
from bot.eventlog.lifting import lift
from bot.eventlog.location import Location
from bot.eventlog.log import require_log
from bot.eventlog.master import find_master, settle_rotation
from bot.eventlog.owner import Ownership
from bot.eventlog.remote import opening as remote
from bot.eventlog.sqlite_errors import translated


@contextmanager
def at_rest(location: Location, clock: Callable[[], int]) -> Iterator[tuple[sqlite3.Connection, bytes]]:
    """Take a log as its owner; yield a connection to it, brought to this release's schema, and its master key."""
    require_log(location)
    database.look(location.database, partial(remote.require_kind, is_remote=False))
    ownership = Ownership(location.folder)
    ownership.acquire(clock())
    try:
        master = settle_rotation(location, find_master(location))
        with translated(), closing(database.connection_for_writing(location.database)) as connection:
            lift(connection, master, clock)
            yield connection, master
    finally:
        ownership.release()
