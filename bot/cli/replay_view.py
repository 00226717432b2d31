"""A replayed state, for machines and for eyes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rich.table import Table

from bot.cli.output import console, count_text, iso_time, local_time, plain, printable
from bot.conversations import stream_of
from bot.core.conversation import Conversation, Pending, Turn
from bot.core.events import Body

_SHOWN_APART = frozenset({"version", "window", "outbox", "watermark"})


@dataclass(frozen=True, slots=True)
class Replayed:
    """A channel's state, the version of the snapshot it began from (0: none), and when its newest event came.

    ``bodies`` holds the words of the window by position; None: they were not wanted.
    """

    channel_id: int
    state: Conversation
    snapshot: int
    recorded_at: int | None
    bodies: Mapping[int, Body] | None

    @property
    def flags(self) -> dict[str, bool]:
        """Return the state's switches."""
        return {name: value for name, value in self._rest() if isinstance(value, bool)}

    @property
    def counters(self) -> dict[str, int]:
        """Return the state's counters."""
        return {name: value for name, value in self._rest() if type(value) is int and not name.endswith("_at")}

    @property
    def others(self) -> dict[str, object]:
        """Return what is neither a switch nor a counter."""
        return {name: value for name, value in self._rest() if name not in {*self.flags, *self.counters}}

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` writes: ids as text, times in UTC."""
        state = self.state
        return {
            "channel_id": str(self.channel_id),
            "stream": stream_of(self.channel_id),
            "version": state.version,
            "recorded_at": None if self.recorded_at is None else iso_time(self.recorded_at),
            "snapshot": self.snapshot,
            "watermark": plain(state.watermark, is_id=True),
            "flags": self.flags,
            "counters": self.counters,
            **self.others,
            "outbox": [_pending(entry) for entry in state.outbox],
            "window": [self._turn(turn) for turn in state.window],
        }

    def words(self, turn: Turn) -> str | None:
        """Return what was said in a turn; None where the words are gone or not wanted."""
        body = (self.bodies or {}).get(turn.position)
        return body.parts[turn.part] if body and turn.part < len(body.parts) else None

    def name(self, turn: Turn) -> str | None:
        """Return who said it, None where the words are gone, not wanted, or the bot's own."""
        body = (self.bodies or {}).get(turn.position)
        return body.name or None if body else None

    def _rest(self) -> list[tuple[str, object]]:
        names = (field.name for field in fields(self.state) if field.name not in _SHOWN_APART)
        return [(name, getattr(self.state, name)) for name in names]

    def _turn(self, turn: Turn) -> dict[str, Any]:
        row: dict[str, Any] = plain(turn)
        return row if self.bodies is None else row | {"name": self.name(turn), "text": self.words(turn)}


def _pending(entry: Pending) -> dict[str, Any]:
    times = {"requested_at": entry.requested_at, "retry_at": entry.retry_at}
    row: dict[str, Any] = plain(entry)
    return row | {name: iso_time(moment) if moment else None for name, moment in times.items()}


def print_state(replayed: Replayed) -> None:
    """Write the state as tables."""
    screen, state = console(), replayed.state
    when = "before its first event" if replayed.recorded_at is None else local_time(replayed.recorded_at)
    origin = f"snapshot of version {replayed.snapshot} and what follows" if replayed.snapshot else "its first event on"
    overview = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    rows = [
        ("channel", str(replayed.channel_id)),
        ("version", f"{state.version}, {when}"),
        ("folded from", origin),
        ("watermark", str(state.watermark)),
        ("flags", ", ".join(name for name, value in replayed.flags.items() if value) or "none"),
        ("counters", ", ".join(f"{name} {value:,}" for name, value in replayed.counters.items())),
    ]
    rows += [(name, printable(str(value))) for name, value in replayed.others.items() if value]
    for row in rows:
        overview.add_row(*row)
    screen.print(overview)
    if state.outbox:
        screen.print(_outbox(state.outbox))
    else:
        screen.print("The outbox is empty.")
    screen.print(_window(replayed) if state.window else "The window is empty.")


def _outbox(outbox: tuple[Pending, ...]) -> Table:
    table = Table(
        "message", "asked by", "requested", "text", "parts sent", "attempts", title="outbox", title_justify="left"
    )
    table.columns[0].no_wrap = True
    for entry in outbox:
        sent = f"{sum(1 for part in entry.sent_ids if part)} of {len(entry.sent_ids)}" if entry.composed else "-"
        table.add_row(
            str(entry.message_id),
            str(entry.author_id),
            local_time(entry.requested_at),
            f"event {entry.composed_at}" if entry.composed else "not yet",
            sent,
            str(entry.attempts),
        )
    return table


def _window(replayed: Replayed) -> Table:
    turns = replayed.state.window
    table = Table(
        "message", "role", "author", "event", title=f"window: {count_text(len(turns), 'turn')}", title_justify="left"
    )
    table.columns[0].no_wrap = True
    if replayed.bodies is not None:
        table.add_column("words", overflow="fold")
    for turn in turns:
        row = [str(turn.message_id), turn.role.name.lower(), str(turn.author_id or "-"), str(turn.position)]
        if replayed.bodies is not None:
            row.append(_said(replayed, turn))
        table.add_row(*row)
    return table


def _said(replayed: Replayed, turn: Turn) -> str:
    words, name = replayed.words(turn), replayed.name(turn)
    if words is None:
        return "[words erased]"
    return f"{printable(name)}: {printable(words)}" if name else printable(words)
