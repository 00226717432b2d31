"""Explain the calls of tools for an answer: what was asked, what came back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.core import events as e
from bot.moderation.text import Line, printable, shortened, size_text


def told_calls(lines: Sequence[Line]) -> Iterator[str]:
    """Return lines about each call among the events about a message; of one without an end, that it is not known."""
    ends = {
        line.recorded.causation: (line, line.recorded.event)
        for line in lines
        if isinstance(line.recorded.event, e.ToolReturned)
    }
    for line in lines:
        called = line.recorded.event
        if isinstance(called, e.ToolCalled):
            yield shortened(f"tool {printable(called.tool)}: {line.said()}")
            found = ends.get(line.recorded.position)
            yield "  no result is recorded" if found is None else shortened(_end(*found))


def _end(line: Line, event: e.ToolReturned) -> str:
    again = ", after it was called again" if event.again else ""
    return f"  {event.outcome.value}{again}, {size_text(event.size)}: {line.said()}"
