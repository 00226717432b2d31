"""What of the log can't be read, for the commands that say how things are."""

from __future__ import annotations

from typing import Any

from bot.eventlog.quarantine import Quarantine
from bot.eventlog.reader import Reader
from bot.moderation.text import count_text, printable

NEWEST = 200_000
"""The newest events that are looked at where no bot looks at all of them: half a second."""
SHOWN = 5
"""Streams that are named."""


async def found(reader: Reader) -> Quarantine:
    """Return what can't be read, as far as the running bot has come upon it, or else among the newest events."""
    if not reader.quarantine.watched:
        before = await reader.look()
        least = max(before - NEWEST, 0)
        while before > least:
            before = await reader.look(before)
    return reader.quarantine


def skipped_lines(quarantine: Quarantine) -> tuple[str, ...]:
    """Return a line about the events that are skipped, if there are any."""
    if not quarantine.events:
        return ()
    return (f"unreadable: {skipped(len(quarantine.events))}: {_streams(quarantine)}",)


def skipped(count: int) -> str:
    """Return how many events can't be read, and that they are skipped."""
    return f"{count_text(count, 'event')} can't be read and {'is' if count == 1 else 'are'} skipped"


def to_json(quarantine: Quarantine) -> dict[str, Any]:
    """Return what can't be read for machines."""
    return {
        "events": len(quarantine.events),
        "words": len(quarantine.words),
        "streams": dict(quarantine.events.streams.copy().most_common(SHOWN)),
    }


def _streams(quarantine: Quarantine) -> str:
    streams = quarantine.events.streams.copy()  # the bot may find more of them meanwhile, on another thread
    named = [f"{printable(stream)} ({number:,})" for stream, number in streams.most_common(SHOWN)]
    more = len(streams) - SHOWN
    return ", ".join(named) + (f" and {count_text(more, 'further stream')}" if more > 0 else "")
