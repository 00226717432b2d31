"""Which events to read, as SQL.

SQL knows the columns of a log, and no field of any event: a field has a name in one version and another in the next. To
find events by an id in a field, SQL asks whether their JSON holds the id anywhere. What it finds is lifted to the form
of today, and then looked at. ``tests/eventlog/test_fields_in_sql.py`` holds the list of what SQL reads all the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.events import Recorded
from bot.eventlog.codec import stored_as

FIELDS = "e.position, s.name, e.version, e.recorded_at, e.type, e.v, e.data, e.correlation, e.causation"
SOURCE = "events e JOIN streams s ON s.id = e.stream_id"
COLUMNS = f"SELECT {FIELDS} FROM {SOURCE}"  # noqa: S608 - constants
LISTED = "SELECT value FROM json_each(?)"
"""Passes a list as one parameter, because SQLite limits the number of parameters."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which events to read. An event has to fit every field that is set.

    ``types`` are those of today: what an older release recorded under another name is found, too. ``since`` and
    ``until`` are microseconds, ``until`` exclusive. Both versions are of one ``stream``. ``author_id`` chooses what a
    person wrote and the replies requested for it, ``about`` what is about any of several messages.
    """

    stream: str | None = None
    types: Sequence[str] = ()
    after_position: int = 0
    since: int | None = None
    until: int | None = None
    message_id: int | None = None
    author_id: int | None = None
    first_version: int | None = None
    last_version: int | None = None
    newest_first: bool = False
    about: Sequence[int] = ()

    def fitting(self, found: list[Recorded]) -> list[Recorded]:
        """Return those of the events that SQL found: what stands in a field, SQL can't know."""
        wanted = self.author_id
        return found if wanted is None else [each for each in found if getattr(each.event, "author_id", 0) == wanted]


def compiled(query: Query, cursor: int | None, size: int) -> tuple[str, list[object]]:
    """Return the SQL of a page of ``size`` events beyond position ``cursor``, and its values."""
    order, beyond = ("DESC", "<") if query.newest_first else ("ASC", ">")
    clauses: list[tuple[str, object]] = [("e.position > ?", query.after_position)]
    optional = (
        (f"e.position {beyond} ?", cursor),
        ("s.name = ?", query.stream),
        ("e.recorded_at >= ?", query.since),
        ("e.recorded_at < ?", query.until),
        ("e.correlation = ?", query.message_id),
        (holds(), None if query.author_id is None else str(query.author_id)),
        ("e.version >= ?", query.first_version),
        ("e.version <= ?", query.last_version),
        (f"e.correlation IN ({LISTED})", json.dumps(query.about) if query.about else None),
    )
    clauses += [(clause, value) for clause, value in optional if value is not None]
    values = [value for _, value in clauses]
    where = " AND ".join(clause for clause, _ in clauses)
    if types := stored_as(query.types):
        where += f" AND e.type IN ({', '.join('?' * len(types))})"
        values += types
    # Within one stream, versions have the same order as positions, and an index.
    column = "e.position" if query.stream is None else "e.version"
    return f"{COLUMNS} WHERE {where} ORDER BY {column} {order} LIMIT {size}", values


def holds(data: str = "e.data") -> str:
    """Return SQL for whether ``data`` holds an id, given as text: every form of every event has ids in decimal."""
    return f"instr({data}, ?)"
