"""What of a log can't be read, as far as somebody has come upon it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from bot.core.events import Recorded, Unreadable

MOST = 100_000
"""Events and words that are remembered, so that memory stays bounded."""

Found: TypeAlias = Callable[[str, int, str], None]
"""Called with the stream, the position, and why it can't be read, for the first event of each stream; on any thread."""


@dataclass(slots=True)
class Quarantine:
    """Remembers the streams of events, and of words, that can't be read, by position.

    Readers note them. ``watched``: the bot looks through the log in the background, so in time all events are found.
    """

    events: dict[int, str] = field(default_factory=dict)
    words: dict[int, str] = field(default_factory=dict)
    watched: bool = False
    on_found: Found = lambda _stream, _position, _why: None

    @property
    def streams(self) -> Counter[str]:
        """Return how many events can't be read, by stream."""
        return Counter(tuple(self.events.values()))

    def note(self, found: Iterable[Recorded]) -> None:
        """Remember those of some events that can't be read."""
        for recorded in found:
            event = recorded.event
            if type(event) is Unreadable:
                self._remember(self.events, recorded.position, recorded.stream, str(event))

    def note_words(self, position: int, stream: str) -> None:
        """Remember an event whose words do not open."""
        self._remember(self.words, position, stream, "its words do not open")

    def _remember(self, known: dict[int, str], position: int, stream: str, why: str) -> None:
        if position in known or len(known) >= MOST:
            return
        first = stream not in known.values()
        known[position] = stream
        if first:
            self.on_found(stream, position, why)
