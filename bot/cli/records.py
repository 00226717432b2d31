"""One event as a line: for machines and for eyes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from bot.cli.output import iso_time, local_time, plain, printable
from bot.core.events import Body, MessageEdited, MessageReceived, Recorded, ReplyComposed
from bot.eventlog.reader import Reader

WORDED = (MessageReceived, MessageEdited, ReplyComposed)
"""Events that are recorded with words: where these have none, somebody erased them."""

_QUIET_FIELDS = frozenset({"sent_at"})
_COLORS = (
    ("reply.abandoned", "red"),
    ("message.skipped", "yellow"),
    ("reply.delayed", "yellow"),
    ("reply.", "green"),
    ("message.", "cyan"),
    ("", "bright_black"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """An event with its words; ``body`` is None where there are none, or none were wanted."""

    recorded: Recorded
    body: Body | None
    words: bool

    @property
    def erased(self) -> bool:
        """Tell whether its words were wanted and are gone."""
        return self.words and self.body is None and isinstance(self.recorded.event, WORDED)

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` writes: ids as text, the time in UTC; ``erased`` where words are gone."""
        recorded, event = self.recorded, self.recorded.event
        fields = {
            "position": recorded.position,
            "stream": recorded.stream,
            "version": recorded.version,
            "type": event.TYPE,
            "v": event.V,
            "recorded_at": iso_time(recorded.recorded_at),
            "correlation": None if recorded.correlation is None else str(recorded.correlation),
            "causation": recorded.causation,
            "data": plain(event),
            "body": None if self.body is None else self.body.model_dump(mode="json"),
        }
        return fields | {"erased": True} if self.erased else fields

    def to_text(self) -> str:
        """Return a line for eyes: time, position, stream and version, type, what it says, its words."""
        recorded = self.recorded
        parts = (
            click.style(local_time(recorded.recorded_at), dim=True),
            f"{recorded.position:>8}",
            click.style(f"{recorded.stream} v{recorded.version}", dim=True),
            styled_type(recorded.event.TYPE),
            details(recorded),
            self.quoted(),
        )
        return "  ".join(part for part in parts if part)

    def quoted(self) -> str:
        """Return the words, made safe for a terminal."""
        if self.erased:
            return click.style("[words erased]", italic=True, dim=True)
        return "" if self.body is None else quote(self.body)


async def lines(reader: Reader, events: Sequence[Recorded], *, words: bool) -> list[Line]:
    """Return ``events`` with their words, fetched in one go, or without."""
    worded = [recorded.position for recorded in events if words]
    bodies: Mapping[int, Body] = await reader.bodies(worded) if worded else {}
    return [Line(recorded, bodies.get(recorded.position), words) for recorded in events]


def quote(body: Body) -> str:
    """Return people's words on one line."""
    name = f"{printable(body.name)}: " if body.name else ""
    files = "".join(f" [{printable(name)}]" for name in body.files)
    return name + " | ".join(f'"{printable(part)}"' for part in body.parts) + files


def details(recorded: Recorded) -> str:
    """Return the fields of an event that say something, as name=value; of lists their length."""
    fields = recorded.event.model_dump(mode="json", exclude_defaults=True)
    return " ".join(
        f"{name}={len(value) if isinstance(value, list) else printable(str(value))}"
        for name, value in fields.items()
        if name not in _QUIET_FIELDS
    )


def styled_type(name: str) -> str:
    """Return a type's name in the colour of its group."""
    color = next(color for prefix, color in _COLORS if name.startswith(prefix))
    return click.style(f"{name:<17}", fg=color)


def say(text: str) -> None:
    """Write a line, coloured on a terminal unless NO_COLOR asks for none."""
    click.echo(text, color=False if os.environ.get("NO_COLOR") else None)
