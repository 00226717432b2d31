"""Work that was begun under a key and has no end under the same key: what a restart has to go on with."""

from __future__ import annotations

import sqlite3

from bot.core.events import KeyKind, Recorded
from bot.eventlog.query import COLUMNS
from bot.eventlog.reader import Reader, recorded
from bot.eventlog.stored_text import fetched

_UNENDED = f"""
{COLUMNS} WHERE s.name = ? AND e.position IN (
    SELECT begun.position FROM events AS begun WHERE begun.key_kind = ? AND NOT EXISTS (
        SELECT 1 FROM events AS ended WHERE ended.key_kind = ? AND ended.key_id = begun.key_id
        AND ended.key_part = begun.key_part AND ended.stream_id = begun.stream_id
    )
) ORDER BY e.position
"""  # noqa: S608 - constants


async def unended(reader: Reader, stream: str, begun: KeyKind, ended: KeyKind) -> list[Recorded]:
    """Return the events of a stream with a key of kind ``begun`` and none of kind ``ended``, oldest first.

    It reads the index of keys alone, all of the kind: measured half a second of CPU time for a million. So it is for a
    start and no more.
    """

    def look(connection: sqlite3.Connection) -> list[Recorded]:
        return [recorded(row) for row in fetched(connection, _UNENDED, (stream, begun, ended))]

    found = await reader.connection.run(look)
    reader.quarantine.note(found)
    return found
