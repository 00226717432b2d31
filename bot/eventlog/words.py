"""Where somebody's words lie in the log: the queries of an erasure."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.events import (
    AbandonReason,
    Author,
    ConversationSummarised,
    KeyKind,
    MessageImported,
    MessageReceived,
    PersonaSet,
    ReplyAbandoned,
    ReplyComposed,
)
from bot.core.streams import guild_stream
from bot.eventlog.query import field_of

_POSTED = (MessageReceived.TYPE, MessageImported.TYPE)
_LISTED = "(SELECT value FROM json_each(?))"
_BY_PERSON = f"""
SELECT key_id FROM events
WHERE type IN (?, ?) AND instr(data, ?) AND {field_of("author_id", "data")} = ?
"""  # noqa: S608 - constants
_TOGETHER = f"""
SELECT {field_of("detail", "data")} FROM events
WHERE type = ? AND instr(data, ?) AND correlation IN {_LISTED}
"""  # noqa: S608 - constants
_THEIRS = f"""
subject_id = ?
OR (type = '{ConversationSummarised.TYPE}' AND (NOT json_valid(data)
    OR ? IN (SELECT value FROM json_each({field_of("people", "data")}))))
OR (type = '{ReplyComposed.TYPE}' AND correlation IN {_LISTED})
OR (type IN ('{MessageReceived.TYPE}', '{MessageImported.TYPE}') AND instr(data, '"author":"{Author.SELF}"')
    AND {field_of("reply_to", "data")} IN {_LISTED})
"""  # noqa: S608 - constants
_MESSAGES = f"SELECT position, stream_id, version, key_id, data FROM events WHERE key_kind = ? AND key_id IN {_LISTED}"  # noqa: S608 - constants
_KEYED = f"SELECT position FROM events WHERE key_kind = ? AND key_id IN {_LISTED}"  # noqa: S608 - constants
_SENT = f"""
SELECT DISTINCT key_id FROM events WHERE key_kind = ? AND {field_of("sent_id", "data")} IN {_LISTED}
"""  # noqa: S608 - constants
_SUMMARIES = """
SELECT position, data FROM events WHERE stream_id = ? AND version > ? AND type = ? ORDER BY version
"""
_OF_SERVER = """
SELECT s.id FROM streams s WHERE s.name = ? OR ? = (
    SELECT json_extract(e.data, '$.guild_id') FROM events e
    WHERE e.stream_id = s.id AND e.type IN (?, ?) AND json_valid(e.data) ORDER BY e.version DESC LIMIT 1
)
"""


@dataclass(frozen=True, slots=True)
class Words:
    """Which words to look for, beyond position ``after``: those that fit everything that is not None.

    ``streams`` are ids, ``about`` positions.
    """

    after: int = 0
    streams: Sequence[int] | None = None
    before: int | None = None
    upto: int | None = None
    personas: bool = True
    person_id: int | None = None
    about: Sequence[int] | None = None

    @property
    def tells_others(self) -> bool:
        """Tell whether the words that are not wanted are told, too, so that one knows what lies between."""
        return self.person_id is None and self.about is None


def words_of(connection: sqlite3.Connection, wanted: Words) -> Iterator[tuple[int, int, bool]]:
    """Yield stream id, version, and whether its words are wanted, of events with words, in the order of the log."""
    conditions = (
        ("recorded_at < ?", wanted.before),
        ("version <= ?", wanted.upto),
        ("type <> ?", None if wanted.personas else PersonaSet.TYPE),
    )
    condition = " AND ".join(("1", *(clause for clause, value in conditions if value is not None)))
    condition_values: list[object] = [value for _, value in conditions if value is not None]
    clauses: list[str] = ["sealed IS NOT NULL", "position > ?"]
    values: list[object] = [wanted.after]
    if wanted.about is not None:
        clauses.append(f"position IN {_LISTED}")
        values.append(json.dumps(wanted.about))
    if wanted.streams is not None:
        # Where positions are given, they are looked up, and not whole streams.
        clauses.append(f"{'+' if wanted.about is not None else ''}stream_id IN {_LISTED}")
        values.append(json.dumps(wanted.streams))
    if wanted.person_id is not None:
        clauses.append(f"({_THEIRS})")
        values += _theirs(connection, wanted.person_id)
    if not wanted.tells_others:
        clauses.append(condition)
        condition, values, condition_values = "1", [*values, *condition_values], []
    sql = f"SELECT stream_id, version, {condition} FROM events WHERE {' AND '.join(clauses)} ORDER BY position"  # noqa: S608 - constants
    for stream_id, version, is_wanted in connection.execute(sql, (*condition_values, *values)):
        yield stream_id, version, bool(is_wanted)


def _theirs(connection: sqlite3.Connection, person_id: int) -> list[object]:
    """Return the values for ``_THEIRS``."""
    written = connection.execute(_BY_PERSON, (*_POSTED, f'"author_id":{person_id}', person_id))
    messages = json.dumps([row[0] for row in written])
    marked = f'"reason":"{AbandonReason.TOGETHER}"'
    together = connection.execute(_TOGETHER, (ReplyAbandoned.TYPE, marked, messages))
    answered = json.dumps([int(row[0]) for row in together if str(row[0]).isdecimal()])
    return [person_id, person_id, answered, messages]


def positions_about(connection: sqlite3.Connection, message_ids: Iterable[int], *, answers: bool) -> list[int]:
    """Return the positions of the words of messages: theirs, their edits', of summaries that saw them, of answers.

    Where a message is the bot's, the answer that it shows is meant.
    """
    wanted = set(message_ids)
    listed = json.dumps(sorted(wanted))
    received = connection.execute(_MESSAGES, (KeyKind.RECEIVED, listed)).fetchall()
    found = {row[0] for row in received} | _keyed(connection, KeyKind.EDITED, wanted)
    for _, stream_id, version, message_id, data in received:
        found |= _summaries(connection, stream_id, version, message_id, _fields(data).get("author_id"))
    answered = set(wanted) if answers else set[int]()
    if unknown := wanted - {row[3] for row in received}:
        sent = connection.execute(_SENT, (KeyKind.SENT, json.dumps(sorted(unknown))))
        answered |= {row[0] for row in sent}
    if answered:
        found |= _keyed(connection, KeyKind.COMPOSED, answered)
    return sorted(found)


def _fields(data: str) -> dict[str, Any]:
    """Return the fields of an event, none where damage made no JSON of them."""
    try:
        return dict(json.loads(data))
    except (ValueError, TypeError):
        return {}


def _keyed(connection: sqlite3.Connection, kind: KeyKind, message_ids: Iterable[int]) -> set[int]:
    return {row[0] for row in connection.execute(_KEYED, (kind, json.dumps(sorted(message_ids))))}


def _summaries(
    connection: sqlite3.Connection, stream_id: int, version: int, message_id: int, author_id: int | None
) -> set[int]:
    """Return the positions of the summaries after ``version`` that may hold a message's words, also through others."""
    found: set[int] = set()
    upto: dict[int, int] = {0: 0}
    for position, data in connection.execute(_SUMMARIES, (stream_id, version, ConversationSummarised.TYPE)):
        fields = _fields(data)
        # Where nobody can tell whose words are in a summary, they are in it.
        previous, last = fields.get("previous", 0), fields.get("upto", message_id)
        upto[position] = last
        fresh = upto.get(previous, 0) < message_id <= last
        if previous in found or (fresh and author_id in fields.get("people", () if fields else (author_id,))):
            found.add(position)
    return found


def ids_of_server(connection: sqlite3.Connection, guild_id: int) -> set[int]:
    """Return the ids of the streams of a server and of its channels."""
    rows = connection.execute(_OF_SERVER, (guild_stream(guild_id), guild_id, *_POSTED))
    return {row[0] for row in rows}
