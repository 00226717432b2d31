"""Work that was begun under a key and has no end under the same key: what a restart has to go on with."""

from __future__ import annotations

import json
import sqlite3

from bot.core.events import KeyKind, Recorded
from bot.eventlog.codec import stored_as
from bot.eventlog.query import COLUMNS, LISTED
from bot.eventlog.reader import Reader, recorded
from bot.eventlog.stored_text import fetched

_UNENDED = f"""
{COLUMNS} WHERE s.name = ? AND e.key_kind = ? AND e.type IN ({LISTED}) AND NOT EXISTS (
    SELECT 1 FROM events AS ended WHERE ended.key_kind = ? AND ended.key_id = e.key_id
    AND ended.key_part = e.key_part AND ended.stream_id = e.stream_id
) ORDER BY e.position
"""  # noqa: S608 - constants


async def unended(reader: Reader, stream: str, type_name: str, begun: KeyKind, ended: KeyKind) -> list[Recorded]:
    """Return the events of a stream and type with a key of kind ``begun`` and none of kind ``ended``, oldest first.

    It goes through all keys of the kind: about a second for a million, so it is for a start and no more.
    """
    values = (stream, begun, json.dumps(stored_as((type_name,))), ended)

    def look(connection: sqlite3.Connection) -> list[Recorded]:
        return [recorded(row) for row in fetched(connection, _UNENDED, values)]

    found = await reader.connection.run(look)
    reader.quarantine.note(found)
    return found
