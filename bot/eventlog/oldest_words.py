"""The age of the words that the log still holds, by stream."""

from __future__ import annotations

import json
import sqlite3
from functools import partial

from bot.core.events import PersonaSet
from bot.core.streams import stream_of
from bot.eventlog.codec import stored_as
from bot.eventlog.query import LISTED
from bot.eventlog.reader import Reader
from bot.eventlog.tail import newest_position
from bot.eventlog.words import server_of

PAGE = 20_000
"""Events that are looked at in one go: it takes some ten milliseconds, and other readers wait meanwhile."""

_OLDEST = f"""
SELECT s.name, min(e.recorded_at) FROM events e JOIN streams s ON s.id = e.stream_id
WHERE e.position > ? AND e.position <= ? AND e.sealed IS NOT NULL AND e.type NOT IN ({LISTED}) GROUP BY +e.stream_id
"""  # noqa: S608 - constants
_PARENTS = "parents"
"""The name in ``meta`` of the threads' parents that Discord has told, as JSON. No event says it."""


async def oldest_words(reader: Reader) -> dict[str, int]:
    """Return, by stream, when the oldest words that are not erased were recorded (microseconds), personas aside."""
    newest, oldest = await reader.connection.run(newest_position), dict[str, int]()
    for after in range(0, newest, PAGE):
        for stream, moment in await reader.connection.run(partial(_page, after)):
            oldest[stream] = min(moment, oldest.get(stream, moment))
    return oldest


async def server_in_log(reader: Reader, channel_id: int) -> int | None:
    """Return the server of a channel as its newest message has it, None for a private channel, or where none tells."""
    return await reader.connection.run(partial(_server, stream_of(channel_id)))


async def parents_in_log(reader: Reader) -> dict[int, int]:
    """Return the parents of threads that :func:`parents_note` kept."""
    sql = "SELECT value FROM meta WHERE name = ?"
    row = await reader.connection.run(lambda connection: connection.execute(sql, (_PARENTS,)).fetchone())
    try:
        return {int(thread): int(parent) for thread, parent in json.loads(row[0]).items()} if row else {}
    except (ValueError, TypeError, AttributeError):
        return {}


def parents_note(parents: dict[int, int]) -> tuple[str, bytes]:
    """Return the name and the value under which the log notes the parents of threads."""
    return _PARENTS, json.dumps(parents).encode()


def _page(after: int, connection: sqlite3.Connection) -> list[tuple[str, int]]:
    personas = json.dumps(stored_as((PersonaSet.TYPE,)))
    return connection.execute(_OLDEST, (after, after + PAGE, personas)).fetchall()


def _server(stream: str, connection: sqlite3.Connection) -> int | None:
    row = connection.execute("SELECT id FROM streams WHERE name = ?", (stream,)).fetchone()
    return server_of(connection, row[0]) if row else None
