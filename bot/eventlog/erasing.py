"""Erasing people's words: which they are, and the receipts that take them away.

A receipt is an event (:class:`bot.core.events.WordsErased`) in the stream whose words go, and recording it is what
erases. It is done in pieces, so that nobody waits long for the log. Afterwards nothing of the words is left in the
log's files: SQLite overwrites what it frees (``secure_delete``), and the write-ahead log is emptied.

What a person's words are, and where they lie, is listed in ``docs/privacy.md``.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeAlias

from bot.core.events import Draft, ErasureReason, Span, WordsErased
from bot.eventlog.log import EventLog
from bot.eventlog.reader import Reader
from bot.eventlog.words import Words, ids_of_server, positions_about, words_of

PIECE = 1000
"""Events of one receipt: SQLite erases them in 20 to 60 ms, and appends wait meanwhile."""

LOOKS = 2
"""The second look is for what was recorded during the first erasure. People go on writing, so there is no third."""

Record: TypeAlias = Callable[[str, WordsErased], Awaitable[object]]
"""Appends a receipt to a stream."""

OnProgress: TypeAlias = Callable[[int, int], object]
"""Called with the number of events whose words are gone, and that of all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The words to erase: those of events that fit every field that is set; raises ValueError if none is.

    ``person_id``: all that they wrote, answers to them, and summaries that saw their words. ``message_ids``: messages
    with their edits and the summaries that saw them, with ``answers`` the answers to them, too; for a message of the
    bot, the answer that it shows. ``stream`` is that of a channel or a server, ``guild_id`` a server with all its
    channels. ``before``: recorded before this moment, in microseconds. ``upto`` is the last version of the stream.
    ``personas``: those of channels and servers, too.
    """

    person_id: int | None = None
    message_ids: tuple[int, ...] = ()
    answers: bool = False
    stream: str | None = None
    guild_id: int | None = None
    before: int | None = None
    upto: int | None = None
    personas: bool = True

    def __post_init__(self) -> None:
        if not self.message_ids and (self.person_id, self.stream, self.guild_id, self.before) == (None,) * 4:
            raise ValueError("Say whose or which words are to be erased.")


class Affected(NamedTuple):
    """A stream, the number of its events whose words are wanted, and their versions."""

    stream: str
    events: int
    versions: tuple[Span, ...]


class Erased(NamedTuple):
    """How many events lost their words, in how many streams.

    ``emptied``: nothing of them is in the write-ahead log any more, nor in the engine that keeps the log. Otherwise
    somebody reads an older state of the log, or the engine is away: it is done as soon as that has ended.
    """

    events: int
    streams: int
    emptied: bool


async def find(reader: Reader, wanted: Wanted, *, after: int = 0) -> list[Affected]:
    """Return the streams that hold words that are wanted, beyond position ``after``; no key is needed."""
    return [
        Affected(stream, sum(each.count for each in pieces), tuple(span for each in pieces for span in each.versions))
        for stream, pieces in (await _found(reader, wanted, after)).items()
    ]


async def erase(
    log: EventLog,
    wanted: Wanted,
    reason: ErasureReason,
    by: str = "",
    *,
    record: Record | None = None,
    progress: OnProgress = lambda _done, _total: None,
) -> Erased:
    """Erase words, and record that ``by`` had them erased for ``reason``.

    ``record`` appends a receipt; with None it goes into the log directly. Words that are recorded while it runs, as a
    summary that was being written, go too.
    """
    record = record or partial(_append, log)
    done, streams, after = 0, set[str](), 0
    for _ in range(LOOKS):
        head = await log.aside.newest()
        found = await _found(log.aside, wanted, after)
        if not found:
            break
        total = done + sum(piece.count for pieces in found.values() for piece in pieces)
        for batch in _batches(found):
            receipts = ((stream, WordsErased(reason=reason, by=by, versions=piece.versions)) for stream, piece in batch)
            await asyncio.gather(*(record(stream, receipt) for stream, receipt in receipts))
            done += sum(piece.count for _, piece in batch)
            progress(done, total)
        streams.update(found)
        after = head
    return Erased(done, len(streams), await log.empty_wal() if done else True)


async def _append(log: EventLog, stream: str, receipt: WordsErased) -> None:
    await log.append(stream, (Draft(receipt),))


@dataclass(slots=True)
class _Piece:
    """What one receipt is for: ``count`` events, the versions of which are ``spans``."""

    spans: list[list[int]] = field(default_factory=list)
    count: int = 0

    @property
    def versions(self) -> tuple[Span, ...]:
        return tuple(Span(*span) for span in self.spans)

    def add(self, version: int, *, joined: bool) -> None:
        """Add a version; ``joined``: between it and the last one no words are to be kept."""
        self.count += 1
        if joined and self.spans:
            self.spans[-1][1] = version
        else:
            self.spans.append([version, version])


async def _found(reader: Reader, wanted: Wanted, after: int) -> dict[str, list[_Piece]]:
    return await reader.connection.run(partial(_pieces_of, wanted, after))


def _pieces_of(wanted: Wanted, after: int, connection: sqlite3.Connection) -> dict[str, list[_Piece]]:
    """Return the pieces of each stream, in the order of its versions."""
    streams = _streams(connection, wanted)
    about = positions_about(connection, wanted.message_ids, answers=wanted.answers) if wanted.message_ids else None
    pieces: dict[int, list[_Piece]] = {}
    broken: dict[int, int] = {}
    asked = Words(after, streams, wanted.before, wanted.upto, wanted.personas, wanted.person_id, about)
    for stream_id, version, is_wanted in words_of(connection, asked):
        if not is_wanted:
            broken[stream_id] = version
            continue
        own = pieces.setdefault(stream_id, [_Piece()])
        last = own[-1].spans[-1][1] if own[-1].spans else 0
        if own[-1].count == PIECE:
            own.append(_Piece())
        own[-1].add(version, joined=version == last + 1 or (asked.tells_others and broken.get(stream_id, 0) < last))
    names = dict(connection.execute("SELECT id, name FROM streams"))
    return {names[stream_id]: own for stream_id, own in sorted(pieces.items())}


def _streams(connection: sqlite3.Connection, wanted: Wanted) -> list[int] | None:
    """Return the ids of the streams to search, None for all."""
    chosen: list[set[int]] = []
    if wanted.stream is not None:
        chosen.append({row[0] for row in connection.execute("SELECT id FROM streams WHERE name = ?", (wanted.stream,))})
    if wanted.guild_id is not None:
        chosen.append(ids_of_server(connection, wanted.guild_id))
    return sorted(set.intersection(*chosen)) if chosen else None


def _batches(found: dict[str, list[_Piece]]) -> Iterator[list[tuple[str, _Piece]]]:
    """Yield pieces that are recorded at a time: about ``PIECE`` events, in as many streams as that takes."""
    batch: list[tuple[str, _Piece]] = []
    for stream, pieces in found.items():
        for piece in pieces:
            if batch and sum(each.count for _, each in batch) + piece.count > PIECE:
                yield batch
                batch = []
            batch.append((stream, piece))
    if batch:
        yield batch
