"""A channel's state from the log, and its JSON form."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from bot.core.conversation import Conversation
from bot.core.events import Body, Recorded
from bot.core.outbox import Pending
from bot.core.seen import seen
from bot.core.streams import stream_of
from bot.core.window import Turn
from bot.eventlog.reader import Bodies
from bot.moderation.text import NOT_OPENED, SHOWN_AS, plain
from bot.times import iso_time

_SHOWN_APART = frozenset({"version", "window", "outbox", "watermark_id", "summary_upto_id"})
_MARKS = ("_position", "_version")


@dataclass(frozen=True, slots=True)
class Replayed:
    """A channel's state, the version of the snapshot that the fold began with (0: none), its newest event (None: none).

    ``bodies`` holds the words of the window by position (None: not wanted).
    """

    channel_id: int
    state: Conversation
    snapshot_version: int
    newest: Recorded | None
    bodies: Bodies | None

    @property
    def recorded_at(self) -> int | None:
        """Return when its newest event was recorded, in microseconds."""
        return self.newest.recorded_at if self.newest else None

    @property
    def flags(self) -> dict[str, bool]:
        """Return the state's flags."""
        return {name: value for name, value in self._rest() if isinstance(value, bool)}

    @property
    def counters(self) -> dict[str, int]:
        """Return the state's counters."""
        return {name: value for name, value in self._rest() if type(value) is int and not name.endswith(_MARKS)}

    @property
    def others(self) -> dict[str, object]:
        """Return the other fields of the state."""
        apart = self.flags.keys() | self.counters.keys()
        rest = [(name, value) for name, value in self._rest() if name not in apart]
        return {SHOWN_AS.get(name, name): value for name, value in rest}

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``--json`` writes: ids as text, times in UTC."""
        state = self.state
        return {
            "channel_id": str(self.channel_id),
            "stream": stream_of(self.channel_id),
            "version": state.version,
            "recorded_at": None if self.recorded_at is None else iso_time(self.recorded_at),
            "snapshot": self.snapshot_version,
            "watermark": plain(state.watermark_id, is_id=True),
            "summary_upto": plain(state.summary_upto_id, is_id=True),
            "flags": self.flags,
            "counters": self.counters,
            **self.others,
            "outbox": [_pending(entry) for entry in state.outbox],
            "window": [self._turn(turn) for turn in state.window],
        }

    def words(self, turn: Turn) -> str | None:
        """Return the words of a turn, or None if they were erased or are not wanted."""
        body = self._body(turn)
        return seen(body, turn.part) if body and turn.part < len(body.parts) else None

    def name(self, turn: Turn) -> str | None:
        """Return the author's name, or None for the bot and if the words were erased or are not wanted."""
        body = self._body(turn)
        return body.name or None if body else None

    def _body(self, turn: Turn) -> Body | None:
        return None if self.bodies is None else self.bodies.get(turn.position)

    def _rest(self) -> list[tuple[str, object]]:
        names = (field.name for field in fields(self.state) if field.name not in _SHOWN_APART)
        return [(name, getattr(self.state, name)) for name in names]

    def _turn(self, turn: Turn) -> dict[str, Any]:
        row: dict[str, Any] = plain(turn)
        if self.bodies is None:
            return row
        row |= {"name": self.name(turn), "text": self.words(turn)}
        return row | {"unreadable": NOT_OPENED} if turn.position in self.bodies.unreadable else row


def _pending(entry: Pending) -> dict[str, Any]:
    times = {"requested_at": entry.requested_at, "retry_at": entry.retry_at}
    row: dict[str, Any] = plain(entry)
    return row | {name: iso_time(moment) if moment else None for name, moment in times.items()}
