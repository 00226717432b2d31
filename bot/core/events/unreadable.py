"""What a reader returns in the place of an event that this release can't read."""

from __future__ import annotations

from enum import StrEnum

from bot.core.events.base import Event, Form

EVENT_UNREADABLE = "an event about it can't be read"
"""Why a reply is given up that such an event is about: nobody knows what has become of it."""

WORDS_UNREADABLE = "its words can't be read"
"""Why a reply is given up whose question or answer does not open."""


class Unread(StrEnum):
    """Why an event of the log can't be read."""

    TYPE = "unknown type"
    VERSION = "newer version"
    DATA = "does not fit its schema"


class Unreadable(Event):
    """An event that is recorded, and that this release can't read: a newer one wrote it, or it is damaged.

    It is never recorded itself, so it has no stored type of its own. ``stored`` is the form in which it lies in the
    log. The fold counts it and otherwise leaves it out.
    """

    stored: Form
    why: Unread

    @property
    def form(self) -> Form:
        """Return the type and version under which it is stored."""
        return self.stored

    def __str__(self) -> str:
        return f"it can't be read: {self.stored.type} v{self.stored.v}, {self.why.value}"
