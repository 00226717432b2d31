"""One event as a line, for machines and for people."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from bot.core.events import Recorded
from bot.eventlog.reader import Reader
from bot.moderation import text
from bot.moderation.text import details, printable, quote
from bot.times import utc_time

__all__ = ["TerminalLine", "lines", "quote", "say", "styled_type"]

_COLORS = (
    ("reply.abandoned", "red"),
    ("message.skipped", "yellow"),
    ("reply.delayed", "yellow"),
    ("reply.", "green"),
    ("message.", "cyan"),
    ("", "bright_black"),
)


class TerminalLine(text.Line):
    """An event with its words, in colours."""

    __slots__ = ()

    def to_text(self) -> str:
        """Return a line for people: time, position, stream and version, type, fields, words."""
        recorded = self.recorded
        parts = (
            click.style(utc_time(recorded.recorded_at), dim=True),
            f"{recorded.position:>8}",
            click.style(f"{recorded.stream} v{recorded.version}", dim=True),
            styled_type(printable(recorded.event.form.type)),
            details(recorded),
            click.style(self.said(), italic=True, dim=True) if self.wordless else self.said(),
        )
        return "  ".join(part for part in parts if part)


async def lines(reader: Reader, events: Sequence[Recorded], *, words: bool) -> list[TerminalLine]:
    """Return ``events`` as lines, with their words (read in one go) or without."""
    return [
        TerminalLine(line.recorded, line.body, line.erased, line.sealed)
        for line in await text.lines(reader, events, words=words)
    ]


def styled_type(name: str) -> str:
    """Return a type's name in the colour of its group."""
    color = next(color for prefix, color in _COLORS if name.startswith(prefix))
    return click.style(f"{name:<17}", fg=color)


def say(line: str) -> None:
    """Write a line, in colours on a terminal unless NO_COLOR is set."""
    click.echo(line, color=False if os.environ.get("NO_COLOR") else None)
