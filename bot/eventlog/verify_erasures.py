"""The verification of erasures: words that are gone have a receipt, and words that have one are gone.

A receipt comes later in the log than what it is for. So the positions whose words are gone are kept, one bit each,
until their receipts come: a log of 8 million events takes 1 MB.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator

from bot.core.events import ChannelDeleted, Event, KeyKind, MessageDeleted, WordsErased
from bot.eventlog.receipts import settled

_PART = 2**16
"""Positions whose bits are kept together. Damage can make a position any number, so there is no one row of bits."""

_NAMED = """
SELECT e.position, e.sealed IS NOT NULL FROM json_each(?) AS span CROSS JOIN events AS e
WHERE e.stream_id = ? AND e.version < ?
AND e.version BETWEEN json_extract(span.value, '$[0]') AND json_extract(span.value, '$[1]')
"""
_OF_MESSAGE = """
SELECT position, sealed IS NOT NULL FROM events
WHERE key_kind IN (?, ?) AND key_id = ? AND +stream_id = ? AND position < ?
"""
_OF_CHANNEL = "SELECT position, sealed IS NOT NULL FROM events WHERE stream_id = ? AND version < ?"
_PLACE = """
SELECT coalesce(s.name, 'stream ' || e.stream_id || ' without a name'), e.version
FROM events e LEFT JOIN streams s ON s.id = e.stream_id WHERE e.position = ?
"""

_LEFT = {
    WordsErased: "it says that words were erased, and they are there",
    MessageDeleted: "it says that a message was deleted, and its words are there",
    ChannelDeleted: "it says that the channel was deleted, and words from before are there",
}


class Receipts:
    """Compares the words that are gone with the receipts. Logs without receipts, of the first releases, have none."""

    def __init__(self) -> None:
        self._gone: dict[int, bytearray] = {}
        self._kept: bool | None = None

    def note(self, position: int) -> None:
        """Note that the words of the event at a position are gone."""
        part, at = divmod(position, _PART)
        self._gone.setdefault(part, bytearray(_PART // 8))[at // 8] |= 1 << at % 8

    def take(
        self, connection: sqlite3.Connection, event: Event, position: int, stream_id: int, version: int
    ) -> Iterator[str]:
        """Take an event that may be a receipt; yield what is wrong with it.

        What it is for is read now and not remembered, because the words may have been erased meanwhile.
        """
        rows: Iterable[tuple[int, int]]
        match event:
            case WordsErased(versions=versions):
                rows = connection.execute(_NAMED, (json.dumps(versions), stream_id, version))
            case MessageDeleted(message_id=message_id):
                kinds = (KeyKind.RECEIVED, KeyKind.EDITED)
                rows = connection.execute(_OF_MESSAGE, (*kinds, message_id, stream_id, position))
            case ChannelDeleted():
                rows = connection.execute(_OF_CHANNEL, (stream_id, version))
            case _:
                return
        left = False
        for at, there in rows:
            left |= bool(there)
            self._discharge(at)
        if left and self._are_kept(connection):
            yield _LEFT[type(event)]

    def missing(self, connection: sqlite3.Connection) -> Iterator[tuple[str, int]]:
        """Yield stream and version of events whose words are gone without a receipt. For the end of the log."""
        if not self._are_kept(connection):
            return
        for position in self._positions():
            place: tuple[str, int] = connection.execute(_PLACE, (position,)).fetchone()
            yield place

    def _positions(self) -> Iterator[int]:
        for part, bits in sorted(self._gone.items()):
            if any(bits):
                yield from (part * _PART + at for at in range(_PART) if bits[at // 8] >> at % 8 & 1)

    def _discharge(self, position: int) -> None:
        part, at = divmod(position, _PART)
        if part in self._gone:
            self._gone[part][at // 8] &= ~(1 << at % 8)

    def _are_kept(self, connection: sqlite3.Connection) -> bool:
        if self._kept is None:
            self._kept = settled(connection)
        return self._kept
