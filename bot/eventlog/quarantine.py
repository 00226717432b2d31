"""What of a log can't be read, as far as somebody has come upon it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from bot.core.events import Recorded, Unreadable

MOST = 100_000
"""Events and words that are remembered, so that memory stays bounded."""

TOLD = 20
"""Streams that are told of, so that a log with much in it does not flood the log lines."""

Found: TypeAlias = Callable[[str, int, str], None]
"""Called with the stream, the position, and why it can't be read, for the first of each stream; on any thread."""


@dataclass(slots=True)
class Seen:
    """What of one kind can't be read: the positions, and how many there are by stream."""

    positions: set[int] = field(default_factory=set)
    streams: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(slots=True)
class Quarantine:
    """Remembers which events, and which words, can't be read.

    Readers note them. ``watched``: the bot looks through the log in the background, so in time all events are found.
    """

    events: Seen = field(default_factory=Seen)
    words: Seen = field(default_factory=Seen)
    watched: bool = False
    on_found: Found = lambda _stream, _position, _why: None

    def note(self, found: Iterable[Recorded]) -> None:
        """Remember those of some events that can't be read."""
        for recorded in found:
            event = recorded.event
            if type(event) is Unreadable:
                self._remember(self.events, recorded.position, recorded.stream, str(event))

    def note_words(self, position: int, stream: str) -> None:
        """Remember an event whose words do not open."""
        self._remember(self.words, position, stream, "its words do not open")

    def _remember(self, known: Seen, position: int, stream: str, why: str) -> None:
        if position in known.positions or len(known) >= MOST:
            return
        known.positions.add(position)
        known.streams[stream] += 1
        if known.streams[stream] == 1 and len(known.streams) <= TOLD:
            self.on_found(stream, position, why)
