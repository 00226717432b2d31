"""Which events to read, as SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

COLUMNS = """
SELECT e.position, s.name, e.version, e.recorded_at, e.type, e.v, e.data, e.correlation, e.causation
FROM events e JOIN streams s ON s.id = e.stream_id
"""


@dataclass(frozen=True, slots=True)
class Query:
    """Which events to read. An event has to fit every field that is set.

    ``since`` and ``until`` are microseconds, ``until`` exclusive. Both versions are of one ``stream``. ``author_id``
    chooses what a person wrote and the replies requested for it.
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
        (f"{field_of('author_id')} = ?", query.author_id),
        ("e.version >= ?", query.first_version),
        ("e.version <= ?", query.last_version),
    )
    clauses += [(clause, value) for clause, value in optional if value is not None]
    values = [value for _, value in clauses]
    where = " AND ".join(clause for clause, _ in clauses)
    if query.types:
        where += f" AND e.type IN ({', '.join('?' * len(query.types))})"
        values += query.types
    # Within one stream, versions have the same order as positions, and an index.
    column = "e.position" if query.stream is None else "e.version"
    return f"{COLUMNS} WHERE {where} ORDER BY {column} {order} LIMIT {size}", values


def field_of(name: str, data: str = "e.data") -> str:
    """Return SQL for a field of an event's ``data``, NULL where that is no JSON: SQLite would make an error of it."""
    return f"CASE WHEN json_valid({data}) THEN json_extract({data}, '$.{name}') END"
