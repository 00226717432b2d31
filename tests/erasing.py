"""Taking words away."""

from __future__ import annotations

from bot.core import events as e
from bot.eventlog.log import EventLog

ERASE = "UPDATE events SET subject_id = NULL, salt = NULL, sealed = NULL"
"""Erases the words of all events, or of those that a WHERE clause after it chooses, behind the log's back."""


async def erase_at(log: EventLog, *positions: int) -> None:
    """Erase the words of events, with a receipt for each."""
    for erased in await log.reader.at(positions):
        versions = (e.Span(erased.version, erased.version),)
        receipt = e.WordsErased(reason=e.ErasureReason.COMMAND_LINE, versions=versions)
        await log.append(erased.stream, [e.Draft(receipt)])
