"""What a reader returns for what an older release recorded, where that is no one event of today."""

from __future__ import annotations

from collections.abc import Iterable

from bot.core.events.base import Event, Form, Recorded
from bot.core.events.vocabulary import Key


class Retired(Event):
    """An event of a type that is not recorded any more, because nothing of it matters. It is never recorded itself."""

    stored: Form

    @property
    def form(self) -> Form:
        """Return the type and version under which it is stored."""
        return self.stored


class Several(Event):
    """An event that is several today, of different types: it is folded as these, one after the other.

    It is never recorded itself. The first one has its key and its message.
    """

    stored: Form
    events: tuple[Event, ...]

    @property
    def form(self) -> Form:
        """Return the type and version under which it is stored."""
        return self.stored

    def key(self) -> Key | None:
        """Return the key of the first one."""
        return self.events[0].key()

    def about(self) -> int | None:
        """Return the message that the first one is about."""
        return self.events[0].about()


class Part(Recorded):
    """One of several events that were recorded as one: it shares its position and version with the others."""

    __slots__ = ()


def apart(recorded: Iterable[Recorded]) -> list[Recorded]:
    """Return events with each of several in the place of what they were recorded as."""
    found: list[Recorded] = []
    for each in recorded:
        event = each.event
        if type(event) is Several:
            found += (Part(*each._replace(event=one)) for one in event.events)
        else:
            found.append(each)
    return found
