"""The base of all events, the words beside an event, and the form in which the log returns one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict

from bot.core.events.vocabulary import Key, ShownKind


class Form(NamedTuple):
    """The name and the schema version under which an event is stored."""

    type: str
    v: int


class Event(BaseModel):
    """Something that happened. Subclasses set their stored ``TYPE`` and schema version ``V``.

    ``OPENS`` marks events that leave work which a restart has to find. ``WORDED`` marks events that are recorded with
    words: if such an event has no words, they were erased, or their author had opted out. ``ERASES`` marks events with
    which words go (see ``eventlog/migrations/0006_erasing.sql``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    TYPE: ClassVar[str]
    V: ClassVar[int] = 1
    OPENS: ClassVar[bool] = False
    WORDED: ClassVar[bool] = False
    ERASES: ClassVar[bool] = False

    @property
    def form(self) -> Form:
        """Return the type and version under which it is stored."""
        return Form(self.TYPE, self.V)

    def key(self) -> Key | None:
        """Return the dedupe key, or None if a repetition is an event of its own."""
        return None

    def about(self) -> int | None:
        """Return the id of the message that the event is about, or None."""
        return None

    def worded(self) -> bool:
        """Tell whether it is recorded with words, so that they were erased, or never taken, where it has none."""
        return self.WORDED


def models_below(model: type[Event]) -> Iterator[type[Event]]:
    """Yield every class below an event's that has a stored type of its own."""
    for child in model.__subclasses__():
        if "TYPE" in vars(child):
            yield child
        yield from models_below(child)


class PlainEvent(Event):
    """An event that the command ``Record`` records as it is, without a decision of its own."""


class MessageEvent(Event):
    """An event about one message, or about the reply to it."""

    message_id: int

    def about(self) -> int:
        """Return the message's id."""
        return self.message_id


class Shown(NamedTuple):
    """Something that a message shows besides its text, in words."""

    kind: ShownKind
    text: str


class Named(NamedTuple):
    """The name that people see in the place of a mention: ``@7`` is a person, ``&7`` a role, ``#7`` a channel."""

    mark: str
    name: str


class Body(BaseModel):
    """The words and names that people wrote: sealed in the vault, erasable, never part of an event.

    ``V`` is the version of this schema. From 2 on it is stored with each body. Version 2 has ``shown``, what a message
    shows besides its text, and ``names``, those that are mentioned in all of it. :mod:`bot.core.seen` puts them
    together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    V: ClassVar[int] = 2

    name: str = ""
    parts: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = ()
    names: tuple[Named, ...] = ()

    @property
    def text(self) -> str:
        """Return all parts as one text."""
        return "\n".join(self.parts)


class Draft(NamedTuple):
    """An event about to be appended.

    ``subject_id`` is the id of the person whose words ``body`` holds. ``causation`` is the position of the event that
    caused this one (None: the first event of the same append).
    """

    event: Event
    body: Body | None = None
    subject_id: int | None = None
    causation: int | None = None


Drafts: TypeAlias = tuple[Draft, ...]


class Recorded(NamedTuple):
    """An event as the log holds it.

    ``position`` is its place in the whole log, ``version`` its place in ``stream`` (from 1, no gaps), ``recorded_at``
    microseconds since the epoch, UTC.
    """

    position: int
    stream: str
    version: int
    recorded_at: int
    event: Event
    correlation: int | None = None
    causation: int | None = None
