"""Events of words that were erased: the receipts of every erasure."""

from __future__ import annotations

from typing import NamedTuple

from bot.core.events.base import PlainEvent
from bot.core.events.vocabulary import ErasureReason


class Span(NamedTuple):
    """The events of a stream from version ``first`` to version ``last``, both included."""

    first: int
    last: int


class WordsErased(PlainEvent):
    """The words of the events at ``versions`` of this stream are gone, and with them whose they were.

    Recording this erases them, so that nobody has the one without the other. ``by`` is who asked: a person's id, the
    name of a program, or "" for nobody. ``archive`` is the SHA-256 of the file that holds them, if they were archived.
    """

    TYPE = "words.erased"
    ERASES = True

    reason: ErasureReason
    versions: tuple[Span, ...]
    by: str = ""
    archive: str = ""

    def covers(self, version: int) -> bool:
        """Tell whether it is the receipt for the event at ``version``."""
        return any(span.first <= version <= span.last for span in self.versions)
