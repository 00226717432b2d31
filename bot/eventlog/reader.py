"""Reading the log: tails, pages, bodies, counts. Each reader has its own connection and never blocks the writer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from bot.core.conversation import Conversation
from bot.core.events import POSTED, Body, KeyKind, MessageEdited, MessagePreviewed, Recorded, ReplySent
from bot.errors import KeyMismatch
from bot.eventlog import folding
from bot.eventlog.codec import decode, decode_body, separated, stored_as
from bot.eventlog.database import Connection
from bot.eventlog.folding import advanced, begun, head_of, tail_of, to_fold
from bot.eventlog.quarantine import Quarantine
from bot.eventlog.query import COLUMNS, FIELDS, LISTED, Query, compiled, holds
from bot.eventlog.stats import Stats, count
from bot.eventlog.stored_text import fetched
from bot.eventlog.tail import newest_position
from bot.eventlog.vault import Vault
from bot.interpreter import collector_paused

LOOK = 500
"""Rows of a look for what can't be read: few, because something may wait behind it for the same connection."""

_PAGE_BELOW = f"{COLUMNS} WHERE e.position < ? ORDER BY e.position DESC LIMIT ?"
_ABOUT_MESSAGES = (KeyKind.RECEIVED, KeyKind.EDITED, KeyKind.DELETED, KeyKind.REQUESTED)
"""The kinds of keys that hold the id of a person's message."""
MESSAGE = f"{COLUMNS} WHERE e.key_kind IN ({LISTED}) AND e.key_id = ? ORDER BY e.position LIMIT 1"
"""Selects the first event about a message, in any stream."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A stream's name and its newest version."""

    name: str
    version: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """A state rebuilt from the log, and the version of the snapshot it began from (0: from nothing)."""

    state: Conversation
    snapshot_version: int


class Bodies(dict[int, Body]):
    """Bodies by position. Erased ones are missing, and so are those that do not open: these are ``unreadable``."""

    def __init__(self, opened: Mapping[int, Body] = MappingProxyType({}), unreadable: Iterable[int] = ()) -> None:
        super().__init__(opened)
        self.unreadable = frozenset(unreadable)


@dataclass(slots=True)
class Reader:
    """Answers questions about the log over one reading connection.

    An event that this release can't read comes as :class:`~bot.core.events.Unreadable`, and is noted in ``quarantine``.
    """

    connection: Connection
    vault: Vault | None
    quarantine: Quarantine = field(default_factory=Quarantine)

    async def head(self, stream: str) -> int:
        """Return the newest version of ``stream``, 0 when there is none."""
        return await self.connection.run(lambda connection: head_of(connection, stream))

    async def newest(self) -> int:
        """Return the position of the newest event, 0 for an empty log."""
        return await self.connection.run(newest_position)

    async def tail(self, stream: str, *, after: int = 0, upto: int | None = None) -> AsyncIterator[list[Recorded]]:
        """Yield the events of ``stream`` with ``after`` < version <= ``upto``, in pages."""
        while True:
            page = await self.connection.run(partial(tail_of, stream, after, upto))
            self.quarantine.note(page)
            if page:
                yield separated(page)
            if len(page) < folding.PAGE:
                return
            after = page[-1].version

    async def load(self, stream: str, *, upto: int | None = None, start: Conversation | None = None) -> Loaded:
        """Return the state of ``stream`` at version ``upto``, from the newest usable snapshot and the events after it.

        ``start`` is a state that is begun from where no snapshot is newer. Folds page by page, so memory depends on the
        state and not on the length of the stream.
        """
        snapshot, state, whole = await self.connection.run(partial(begun, stream, upto, self.quarantine, start=start))
        while not whole:
            state, whole = await self.connection.run(partial(advanced, stream, upto, self.quarantine, state))
        return Loaded(state, snapshot)

    async def to_fold(self, stream: str, *, upto: int | None = None) -> int:
        """Return how many events there are between the newest usable snapshot and version ``upto`` (None: the head)."""
        return await self.connection.run(lambda connection: to_fold(connection, stream, upto))

    async def events(self, query: Query, *, limit: int | None = None) -> AsyncIterator[Recorded]:
        """Yield the events that ``query`` chooses, in order of position, in pages."""
        left = limit
        cursor: int | None = None
        while left is None or left > 0:
            size = folding.PAGE if left is None else min(folding.PAGE, left)
            sql, values = compiled(query, cursor, size)
            rows = await self.connection.run(partial(_rows, sql, values))
            found = query.fitting(self._events(rows, query.types))[:left]
            for event in found:
                yield event
            if len(rows) < size:
                return
            cursor = rows[-1][0]
            left = None if left is None else left - len(found)

    async def find(self, stream: str, kind: KeyKind, key_id: int | None = None) -> list[Recorded]:
        """Return the events of ``stream`` with a dedupe key of ``kind`` and ``key_id`` (None: any), ordered by key."""
        chosen = "" if key_id is None else "AND e.key_id = ?"
        sql = f"{COLUMNS} WHERE s.name = ? AND e.key_kind = ? {chosen} ORDER BY e.key_id, e.key_part"
        values = (stream, kind) if key_id is None else (stream, kind, key_id)
        rows = await self.connection.run(partial(_rows, sql, values))
        return self._events(rows)

    async def sent_as(self, stream: str, sent_id: int) -> Recorded | None:
        """Return the event that records the sending of the bot's message ``sent_id``, or None.

        Looks at every sent part of the stream: measured 30 ms for 100,000 events, so an index would not pay.
        """
        sql = f"{COLUMNS} WHERE s.name = ? AND e.key_kind = ? AND {holds()} ORDER BY e.key_id DESC"
        return await self._sent(sql, (stream, KeyKind.SENT, str(sent_id)), sent_id)

    async def message(self, message_id: int) -> Recorded | None:
        """Return the first event about a message, in any stream, or the event that records that the bot sent it.

        A person's message is found by its key. For a message of the bot, sent parts are searched from the newest on.
        """
        rows = await self.connection.run(partial(_rows, MESSAGE, (json.dumps(_ABOUT_MESSAGES), message_id)))
        if rows:
            return self._events(rows)[0]
        sql = f"{COLUMNS} WHERE e.key_kind = ? AND {holds()} ORDER BY e.key_id DESC"
        return await self._sent(sql, (KeyKind.SENT, str(message_id)), message_id)

    async def _sent(self, sql: str, values: Sequence[object], sent_id: int) -> Recorded | None:
        """Return the first event that records the sending of a message, of those that a statement finds."""
        # Nearly always the first one is the one. Only where another number holds this one, all are looked at.
        for most in (1, -1):
            rows = await self.connection.run(partial(_rows, f"{sql} LIMIT {most}", values))
            for each in self._events(rows):
                if isinstance(each.event, ReplySent) and each.event.sent_id == sent_id:
                    return each
            if not rows:
                break
        return None

    async def newest_words(self, people: Iterable[int], streams: Iterable[str] | None = None) -> dict[int, int]:
        """Return, by person, the position of their newest message or edit whose words are not erased.

        ``streams`` are the streams to search (None: all). Reads the events once.
        """
        within = "" if streams is None else f"AND s.name IN ({LISTED})"
        sql = f"""
            SELECT e.subject_id, max(e.position) FROM events e JOIN streams s ON s.id = e.stream_id
            WHERE e.type IN ({LISTED}) AND e.sealed IS NOT NULL AND e.subject_id IN ({LISTED}) {within}
            GROUP BY e.subject_id
        """  # noqa: S608 - constants
        types = stored_as((*(event.TYPE for event in POSTED), MessageEdited.TYPE, MessagePreviewed.TYPE))
        values = [json.dumps(tuple(each)) for each in (types, people, streams) if each is not None]
        rows = await self.connection.run(partial(_rows, sql, values))
        return dict(rows)

    async def at(self, positions: Iterable[int]) -> list[Recorded]:
        """Return the events at ``positions``, in order."""
        sql = f"{COLUMNS} WHERE e.position IN ({LISTED}) ORDER BY e.position"
        rows = await self.connection.run(partial(_rows, sql, (json.dumps(tuple(positions)),)))
        return self._events(rows)

    async def bodies(self, positions: Iterable[int]) -> Bodies:
        """Return the bodies at ``positions`` that are not erased; those that do not open are named.

        The key was checked when the log was opened, so words that do not open are damaged, or of a newer release.
        """
        wanted = tuple(positions)
        rows = await self.connection.run(lambda connection: sealed_at(connection, wanted))
        if self.vault is None:
            return Bodies()
        found = {position: opened(self.vault, stream, position, sealed) for position, stream, sealed in rows}
        for position, stream, _ in rows:
            if found[position] is None:
                self.quarantine.note_words(position, stream)
        return Bodies(
            {position: body for position, body in found.items() if body is not None},
            (position for position, body in found.items() if body is None),
        )

    async def erased(self, positions: Iterable[int]) -> set[int]:
        """Return those of ``positions`` whose events had words that are erased now."""
        sql = f"SELECT position FROM events WHERE position IN ({LISTED}) AND body_digest IS NOT NULL AND sealed IS NULL"  # noqa: S608 - a constant
        rows = await self.connection.run(partial(_rows, sql, (json.dumps(tuple(positions)),)))
        return {position for (position,) in rows}

    async def version_at(self, stream: str, moment: int, *, upto: int | None = None) -> int:
        """Return the newest version of ``stream`` recorded at or before ``moment`` (microseconds), at most ``upto``.

        Looks at the versions from ``upto`` (None: the newest) back to that one.
        """
        sql = """
            SELECT e.version FROM events e JOIN streams s ON s.id = e.stream_id
            WHERE s.name = ? AND e.recorded_at <= ? AND e.version <= ? ORDER BY e.version DESC LIMIT 1
        """
        values = (stream, moment, 2**62 if upto is None else upto)
        rows = await self.connection.run(partial(_rows, sql, values))
        return int(rows[0][0]) if rows else 0

    async def earliest(self, stream: str, size: int, after: int = 0) -> list[int]:
        """Return when the earliest event of each block of ``size`` versions beyond version ``after`` was recorded."""
        sql = """
            SELECT min(e.recorded_at) FROM events e JOIN streams s ON s.id = e.stream_id
            WHERE s.name = ? AND e.version > ? GROUP BY (e.version - 1) / ? ORDER BY (e.version - 1) / ?
        """
        rows = await self.connection.run(partial(_rows, sql, (stream, after, size, size)))
        return [moment for (moment,) in rows]

    async def streams(self, prefix: str = "") -> list[StreamInfo]:
        """Return every stream whose name begins with ``prefix``, by name."""
        sql = "SELECT name, version FROM streams WHERE substr(name, 1, ?) = ? AND version > 0 ORDER BY name"
        rows = await self.connection.run(lambda connection: connection.execute(sql, (len(prefix), prefix)).fetchall())
        return [StreamInfo(*row) for row in rows]

    async def newest_each(self, prefix: str, types: Sequence[str] = ()) -> list[Recorded]:
        """Return the newest event (of one of ``types``) of each stream whose name begins with ``prefix``.

        Looks at one event of each stream by its index; with ``types`` at those that came after it, too.
        """
        wanted = stored_as(types)
        chosen = f"AND type IN ({LISTED})" if wanted else ""
        sql = f"""
            SELECT {FIELDS} FROM streams s JOIN events e ON e.position = (
                SELECT position FROM events WHERE stream_id = s.id {chosen} ORDER BY version DESC LIMIT 1
            ) WHERE substr(s.name, 1, ?) = ?
        """  # noqa: S608 - constants
        values = (*((json.dumps(wanted),) if wanted else ()), len(prefix), prefix)
        return self._events(await self.connection.run(partial(_rows, sql, values)))

    async def noted(self, name: str) -> bytes | None:
        """Return what ``EventLog.note`` stored under a name, None if it did not."""
        rows = await self.connection.run(partial(_rows, "SELECT value FROM meta WHERE name = ?", (name,)))
        return rows[0][0] if rows else None

    async def unfinished(self) -> list[str]:
        """Return the streams that may have unfinished work."""
        sql = "SELECT s.name FROM unfinished u JOIN streams s ON s.id = u.stream_id ORDER BY s.id"
        return [name for (name,) in await self.connection.run(partial(_rows, sql, ()))]

    async def look(self, before: int = 2**62, *, words: bool = False) -> int:
        """Note which of a page of events, the newest below position ``before``, can't be read; return where it began.

        With ``words`` those are noted, too, whose words do not open. Returns 0 where there are no events any more.
        """
        positions = await self.connection.run(partial(_looked, before, self.quarantine))
        if words:
            await self.bodies(positions)
        return positions[-1] if positions else 0

    async def stats(self) -> Stats:
        """Return the log in numbers; reads all events, and with the key all words."""
        before = 2**62
        while before:
            before = await self.look(before, words=True)
        words = None if self.vault is None else len(self.quarantine.words)
        counted = await self.connection.run(count)
        return replace(counted, unreadable=len(self.quarantine.events), unreadable_words=words)

    def _events(self, rows: Iterable[tuple[Any, ...]], types: Iterable[str] = ()) -> list[Recorded]:
        found = [recorded(row) for row in rows]
        self.quarantine.note(found)
        return separated(found, types)

    async def close(self) -> None:
        """Close the connection."""
        await self.connection.close()


def recorded(row: tuple[Any, ...]) -> Recorded:
    """Return the event of a row that holds the columns of ``COLUMNS``."""
    position, name, version, recorded_at, type_name, v, data, correlation, causation = row
    return Recorded(position, name, version, recorded_at, decode(type_name, v, data), correlation, causation)


def opened(vault: Vault, stream: str, position: int, sealed: bytes) -> Body | None:
    """Return the words that are sealed for a place, None when they do not open."""
    try:
        return decode_body(vault.open(stream, position, sealed))
    except KeyMismatch:
        return None


def _looked(before: int, quarantine: Quarantine, connection: sqlite3.Connection) -> list[int]:
    """Look at a page of events on the reader's thread; return their positions, the newest first."""
    with collector_paused():
        found = [recorded(row) for row in fetched(connection, _PAGE_BELOW, (before, LOOK))]
        quarantine.note(found)
        positions = [each.position for each in found]
        del found
    return positions


def _rows(sql: str, values: Sequence[object], connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return fetched(connection, sql, values)


def sealed_at(connection: sqlite3.Connection, positions: Sequence[int]) -> list[tuple[int, str, bytes]]:
    """Return position, stream and sealed words of the events at ``positions`` whose words are not erased."""
    sql = f"SELECT position, stream_id, sealed FROM events WHERE position IN ({LISTED}) AND sealed IS NOT NULL"  # noqa: S608 - a constant
    rows = connection.execute(sql, (json.dumps(positions),)).fetchall()
    # A join would look each row's stream up.
    listed = json.dumps([each for each in {stream_id for _, stream_id, _ in rows} if isinstance(each, int)])
    names = dict(connection.execute(f"SELECT id, name FROM streams WHERE id IN ({LISTED})", (listed,)))  # noqa: S608 - a constant
    return [(position, names.get(stream_id, ""), sealed) for position, stream_id, sealed in rows]
