"""Where somebody's words lie in the log: the queries of an erasure."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bot.core.events import (
    POSTED,
    Author,
    ConversationSummarised,
    Event,
    KeyKind,
    MessagePosted,
    PersonaSet,
    PostRequested,
    Recorded,
    ReplyAbandoned,
    ReplyComposed,
    ReplySent,
    apart,
)
from bot.core.streams import guild_stream
from bot.eventlog.codec import decode, stored_as
from bot.eventlog.query import LISTED, holds
from bot.eventlog.stored_text import fetched

E = TypeVar("E", bound=Event)

_LISTED = f"({LISTED})"
_RECEIVED_BY = f"""
SELECT key_id, type, v, data FROM events WHERE type IN {_LISTED} AND {holds("data")} AND key_kind = ?
"""  # noqa: S608 - constants
_TOGETHER = f"SELECT type, v, data FROM events WHERE type IN {_LISTED} AND correlation IN {_LISTED}"  # noqa: S608 - constants
_SUMMARIES_WITH = f"""
SELECT position, type, v, data FROM events
WHERE type IN {_LISTED} AND sealed IS NOT NULL AND ({holds("data")} OR NOT json_valid(data))
"""  # noqa: S608 - constants
_BY_BOT = f"""
SELECT position, type, v, data FROM events WHERE type IN {_LISTED} AND sealed IS NOT NULL AND instr(data, ?)
"""  # noqa: S608 - constants
_THEIRS = f"subject_id = ? OR position IN {_LISTED} OR (type IN {_LISTED} AND correlation IN {_LISTED})"
_MESSAGES = f"""
SELECT position, stream_id, version, key_id, type, v, data FROM events WHERE key_kind = ? AND key_id IN {_LISTED}
"""  # noqa: S608 - constants
_KEYED = f"SELECT position FROM events WHERE key_kind = ? AND key_id IN {_LISTED}"  # noqa: S608 - constants
_HOLDING = """
SELECT key_id, type, v, data FROM events
WHERE key_kind = ? AND EXISTS (SELECT 1 FROM json_each(?) AS wanted WHERE instr(data, wanted.value))
"""
_SUMMARIES = f"""
SELECT position, type, v, data FROM events WHERE stream_id = ? AND version > ? AND type IN {_LISTED} ORDER BY version
"""  # noqa: S608 - constants
_RECEIVED_IN = f"""
SELECT version, type, v, data FROM events
WHERE stream_id = ? AND version < ? AND type IN {_LISTED} ORDER BY version DESC LIMIT 16
"""  # noqa: S608 - constants


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
        (f"type NOT IN {_LISTED}", None if wanted.personas else _names(PersonaSet)),
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
    messages = messages_by(connection, person_id)
    answered = _answered_with(connection, messages)
    others = [*_summaries_with(connection, person_id), *_of_bot_to(connection, messages)]
    return [person_id, json.dumps(others), _names(ReplyComposed), json.dumps(answered)]


def messages_by(connection: sqlite3.Connection, person_id: int) -> set[int]:
    """Return the ids of a person's messages. One that can't be read is theirs if their id is in it."""
    rows = fetched(connection, _RECEIVED_BY, (_names(*POSTED), str(person_id), KeyKind.RECEIVED))
    found = ((message_id, _as(MessagePosted, *row)) for message_id, *row in rows)
    return {message_id for message_id, event in found if event is None or event.author_id == person_id}


def _answered_with(connection: sqlite3.Connection, message_ids: Iterable[int]) -> list[int]:
    """Return the messages together with which some of these were answered."""
    rows = fetched(connection, _TOGETHER, (_names(ReplyAbandoned), json.dumps(sorted(message_ids))))
    found = (_as(ReplyAbandoned, *row) for row in rows)
    return sorted({event.together_with for event in found if event is not None} - {0})


def _summaries_with(connection: sqlite3.Connection, person_id: int) -> Iterator[int]:
    """Yield the positions of summaries with a person's words. Where nobody can tell whose they are, they are theirs."""
    for position, *row in fetched(connection, _SUMMARIES_WITH, (_names(ConversationSummarised), str(person_id))):
        event = _as(ConversationSummarised, *row)
        if event is None or person_id in event.people:
            yield position


def _of_bot_to(connection: sqlite3.Connection, message_ids: Collection[int]) -> Iterator[int]:
    """Yield the positions of messages that the bot posted in answer to these, and that this log did not send."""
    for position, *row in fetched(connection, _BY_BOT, (_names(*POSTED), f'"{Author.SELF}"')):
        event = _as(MessagePosted, *row)
        if event is not None and event.author is Author.SELF and event.reply_to in message_ids:
            yield position


def _as(model: type[E], type_name: str, v: int, data: str) -> E | None:
    """Return the event of a type that a stored one is today, be it one of several; None where it can't be read."""
    recorded = apart((Recorded(0, "", 0, 0, decode(type_name, v, data)),))
    return next((each.event for each in recorded if isinstance(each.event, model)), None)


def _names(*models: type[Event]) -> str:
    """Return the names under which events are stored, for ``_LISTED``."""
    return json.dumps(stored_as(model.TYPE for model in models))


def positions_about(connection: sqlite3.Connection, message_ids: Iterable[int], *, answers: bool) -> list[int]:
    """Return the positions of the words of messages: theirs, their edits', of summaries that saw them, of answers.

    Those of the calls of tools with which an answer was written are a message's, too: they repeat what it asks for.

    Where a message is the bot's, the answer that it shows is meant.
    """
    wanted = set(message_ids)
    listed = json.dumps(sorted(wanted))
    received = fetched(connection, _MESSAGES, (KeyKind.RECEIVED, listed))
    found = {row[0] for row in received}
    for kind in (KeyKind.EDITED, KeyKind.TOOL_CALLED, KeyKind.TOOL_RETURNED):
        found |= _keyed(connection, kind, wanted)
    for _, stream_id, version, message_id, *row in received:
        event = _as(MessagePosted, *row)
        found |= _summaries(connection, stream_id, version, message_id, event.author_id if event else None)
    answered = wanted | _posted_to(connection, wanted) if answers else set[int]()
    if unknown := wanted - {row[3] for row in received}:
        answered |= _sent_for(connection, unknown)
    if answered:
        found |= _keyed(connection, KeyKind.COMPOSED, answered)
    return sorted(found)


def _posted_to(connection: sqlite3.Connection, message_ids: Collection[int]) -> set[int]:
    """Return the posts that are replies to messages."""
    rows = fetched(connection, _HOLDING, (KeyKind.POSTED, json.dumps(sorted(message_ids))))
    found = (_as(PostRequested, *row) for _, *row in rows)
    return {event.message_id for event in found if event is not None and event.reply_to in message_ids}


def _sent_for(connection: sqlite3.Connection, sent_ids: Collection[int]) -> set[int]:
    """Return the messages that are answered by messages of the bot."""
    found: set[int] = set()
    for message_id, *row in fetched(connection, _HOLDING, (KeyKind.SENT, json.dumps(sorted(sent_ids)))):
        event = _as(ReplySent, *row)
        if event is None or event.sent_id in sent_ids:
            found.add(message_id)
    return found


def _keyed(connection: sqlite3.Connection, kind: KeyKind, message_ids: Iterable[int]) -> set[int]:
    return {row[0] for row in connection.execute(_KEYED, (kind, json.dumps(sorted(message_ids))))}


def _summaries(
    connection: sqlite3.Connection, stream_id: int, version: int, message_id: int, author_id: int | None
) -> set[int]:
    """Return the positions of the summaries after ``version`` that may hold a message's words, also through others."""
    found: set[int] = set()
    ends: dict[int, int] = {0: 0}
    for position, *row in fetched(connection, _SUMMARIES, (stream_id, version, _names(ConversationSummarised))):
        event = _as(ConversationSummarised, *row)
        # Where nobody can tell whose words are in a summary, they are in it.
        if event is None:
            found.add(position)
            continue
        ends[position] = event.upto
        fresh = ends.get(event.previous, 0) < message_id <= event.upto
        if event.previous in found or (fresh and author_id in (None, *event.people)):
            found.add(position)
    return found


def ids_of_server(connection: sqlite3.Connection, guild_id: int) -> set[int]:
    """Return the ids of the streams of a server and of its channels."""
    own, streams = guild_stream(guild_id), connection.execute("SELECT id, name FROM streams").fetchall()
    return {number for number, name in streams if name == own or server_of(connection, number) == guild_id}


def server_of(connection: sqlite3.Connection, stream_id: int) -> int | None:
    """Return the server of a stream as its newest message has it, None for a private channel, or where none tells."""
    before = 2**62
    while rows := fetched(connection, _RECEIVED_IN, (stream_id, before, _names(*POSTED))):
        for version, *row in rows:
            event, before = _as(MessagePosted, *row), version
            if event is not None:
                return event.guild_id
    return None
