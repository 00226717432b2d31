"""What the log holds of one person: every event about them or their messages, and how many words would be erased."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Any

from bot.core.events import Event, OwnRecorded, Recorded, Unreadable
from bot.eventlog.codec import separated
from bot.eventlog.erasing import Affected
from bot.eventlog.query import FIELDS, SOURCE
from bot.eventlog.reader import Reader, recorded
from bot.eventlog.stored_text import fetched
from bot.eventlog.words import messages_by

PAGE = 500
"""Events that are read at once."""

_ABOUT = f"""
SELECT e.subject_id IS ?1 OR e.correlation IN (SELECT value FROM json_each(?2)) AS certain, {FIELDS} FROM {SOURCE}
WHERE e.position > ?3 AND (certain OR instr(e.data, ?1)) ORDER BY e.position LIMIT ?4
"""  # noqa: S608 - constants
_PEOPLE = ("author_id", "user_id", "by")
"""The fields with the id of who did what an event says. Whose words a summary holds is another thing."""
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
    written = json.dumps(sorted(await reader.connection.run(lambda raw: messages_by(raw, person_id))))
    while True:
        rows = await reader.connection.run(partial(_rows, _ABOUT, (person_id, written, after, PAGE)))
        page = ((certain, each) for certain, *row in rows for each in separated([recorded(tuple(row))]))
        if found := [each for certain, each in page if certain or _is_about(each.event, person_id)]:
            yield found
        if len(rows) < PAGE:
            return
        after = rows[-1][1]


async def counted(reader: Reader, affected: Iterable[Affected]) -> Counter[str]:
    """Return how many events of each type have words in the affected parts of the log."""
    sums: Counter[str] = Counter()
    for each in affected:
        values = {"stream": each.stream, "spans": json.dumps([list(span) for span in each.versions])}
        sums.update(dict(await reader.connection.run(partial(_rows, _COUNTED, values))))
    return sums


def _is_about(event: Event, person_id: int) -> bool:
    """Tell whether an event that holds a person's id somewhere names them, or nobody can tell."""
    if isinstance(event, OwnRecorded):
        return str(person_id) in map(str, event.values())
    return isinstance(event, Unreadable) or str(person_id) in {str(getattr(event, field, "")) for field in _PEOPLE}


def _rows(sql: str, values: Any, connection: sqlite3.Connection) -> list[tuple[Any, ...]]:  # noqa: ANN401 - sqlite3's
    return fetched(connection, sql, values)
