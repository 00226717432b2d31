"""What the log holds of one person: every event about them or their messages, and how many words would be erased."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Any

from bot.core.events import KeyKind, Recorded
from bot.eventlog.erasing import Affected
from bot.eventlog.query import COLUMNS, field_of
from bot.eventlog.reader import Reader, recorded

PAGE = 500
"""Events that are read at once."""

_WRITTEN = f"SELECT key_id FROM events WHERE key_kind = ? AND {field_of('author_id', 'data')} = ?"  # noqa: S608 - constants
_ABOUT = f"""
{COLUMNS}
WHERE e.position > :after AND (
    e.subject_id = :person OR e.correlation IN (SELECT value FROM json_each(:written))
    OR :person IN ({field_of("author_id")}, {field_of("user_id")})
    OR {field_of("by")} = :by
)
ORDER BY e.position LIMIT :size
"""  # noqa: S608 - constants
_COUNTED = """
SELECT e.type, count(*) FROM json_each(:spans) AS span CROSS JOIN events AS e
WHERE e.stream_id = (SELECT id FROM streams WHERE name = :stream)
AND e.version BETWEEN json_extract(span.value, '$[0]') AND json_extract(span.value, '$[1]') AND e.sealed IS NOT NULL
GROUP BY e.type
"""


async def about(reader: Reader, person_id: int, *, after: int = 0) -> AsyncIterator[list[Recorded]]:
    """Yield in pages, in order of position, the events about a person: theirs, and those about their messages.

    So also the answers to them. Each page reads the log from the one before on, so use a reader that nobody waits for.
    """
    found = await reader.connection.run(partial(_rows, _WRITTEN, (KeyKind.RECEIVED, person_id)))
    written = json.dumps([message_id for (message_id,) in found])
    while True:
        values = {"after": after, "person": person_id, "by": str(person_id), "written": written, "size": PAGE}
        rows = await reader.connection.run(partial(_rows, _ABOUT, values))
        if rows:
            yield [recorded(row) for row in rows]
        if len(rows) < PAGE:
            return
        after = rows[-1][0]


async def counted(reader: Reader, affected: Iterable[Affected]) -> Counter[str]:
    """Return how many events of each type have words in the affected parts of the log."""
    sums: Counter[str] = Counter()
    for each in affected:
        values = {"stream": each.stream, "spans": json.dumps([list(span) for span in each.versions])}
        sums.update(dict(await reader.connection.run(partial(_rows, _COUNTED, values))))
    return sums


def _rows(sql: str, values: Any, connection: sqlite3.Connection) -> list[tuple[Any, ...]]:  # noqa: ANN401 - sqlite3's
    return connection.execute(sql, values).fetchall()
