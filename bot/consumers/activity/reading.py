"""What went on, from the database of the consumer ``activity`` and, beyond its place, from the log.

Both are put together in a database in memory, by the code of the consumer. So the figures are those of the whole log
whether the consumer has seen all of it, a part, or runs nowhere: then there is more to read.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from bot.consumers.activity.consumer import NAME, ActivityConsumer
from bot.consumers.activity.tables import TABLES, copy_in, read, write
from bot.consumers.consumers import FOLDER
from bot.consumers.opened import shared_upto
from bot.consumers.store import Checkpoint
from bot.core.activity import LONGEST, TYPES
from bot.eventlog.pages import History, read_history, read_page
from bot.eventlog.reader import Reader
from bot.eventlog.tail import newest_position
from bot.eventlog.transactions import transaction
from bot.moderation.activity import Activity, Wanted

_TYPES = tuple(event.TYPE for event in TYPES)
_PAGE = 2000
_CHECKPOINT = "SELECT position, recorded_at, incarnation, log_id, version FROM kept.echoless_checkpoint"


async def count_activity(
    reader: Reader,
    folder: Path,
    wanted: Wanted,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> Activity:
    """Return what went on in a log; ``folder`` is the log's. Nothing but waiting is done on the loop."""
    history = await reader.connection.run(read_history)
    with closing(_in_memory()) as memory:
        kept = folder / FOLDER / f"{NAME}.db"
        place = await asyncio.to_thread(_copied, memory, kept, wanted)
        if place is None or not await reader.connection.run(partial(_is_of, history, place)):
            await asyncio.to_thread(_emptied, memory)
            place = None
        # What was recorded a day before is of no hour that is wanted, and no such reply is waited for.
        start = await reader.connection.run(partial(_before, wanted.since - LONGEST))
        first = after = max(start, place.position if place else 0)
        while after < history.head:
            after = await reader.connection.run(partial(_counted, memory, history, after))
            progress(after - first, history.head - first)
        return await asyncio.to_thread(read, memory, wanted)


def _in_memory() -> sqlite3.Connection:
    # Used by several threads, one after the other. A URI, so that those it attaches may be.
    memory = sqlite3.connect("file::memory:", uri=True, isolation_level=None, check_same_thread=False)
    for table in TABLES:
        memory.execute(table)
    return memory


def _copied(memory: sqlite3.Connection, path: Path, wanted: Wanted) -> Checkpoint | None:
    """Copy what the consumer has counted, and return its place; None where there is nothing to be read."""
    if not path.exists():
        return None
    try:
        memory.execute("ATTACH ? AS kept", (f"{path.absolute().as_uri()}?mode=ro",))
        with transaction(memory):
            row = memory.execute(_CHECKPOINT).fetchone()
            copy_in(memory, wanted)
        memory.execute("DETACH kept")
    except sqlite3.Error:
        # It is being replaced, or its tables are not made yet: the log has it all.
        return None
    return Checkpoint(*row) if row else None


def _is_of(history: History, place: Checkpoint, connection: sqlite3.Connection) -> bool:
    """Tell whether the consumer has read this log, and as this release would."""
    return place.version == ActivityConsumer.version and shared_upto(history, place, connection) == place.position


def _emptied(memory: sqlite3.Connection) -> None:
    for table in ("counts", "present", "waiting"):
        memory.execute(f"DELETE FROM {table}")  # noqa: S608 - constants


def _before(moment: int, connection: sqlite3.Connection) -> int:
    """Return a position before what was recorded at ``moment`` or later, as far as the clock never went back."""
    low, high = 0, newest_position(connection)
    while low < high:
        middle = (low + high) // 2
        sql = "SELECT recorded_at FROM events WHERE position > ? ORDER BY position LIMIT 1"
        (recorded_at,) = connection.execute(sql, (middle,)).fetchone()
        low, high = (middle + 1, high) if recorded_at < moment else (low, middle)
    return low


def _counted(memory: sqlite3.Connection, history: History, after: int, connection: sqlite3.Connection) -> int:
    """Count a page of the log, and return up to where it goes."""
    page = read_page(after, _TYPES, _PAGE, None, connection)
    if page.events:
        with transaction(memory):
            write(memory, history.log_id, page.events)
    return page.upto
