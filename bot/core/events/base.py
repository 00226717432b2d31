"""What every event is, what is kept beside it, and how the log holds it."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict

from bot.core.events.vocabulary import Key


class Event(BaseModel):
    """A fact. Subclasses state their stored ``TYPE`` and schema version ``V``.

    ``OPENS`` marks facts that leave work which a restart must find again. ``WORDED`` marks facts that are recorded with
    words: where these have none, somebody erased them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    TYPE: ClassVar[str]
    V: ClassVar[int] = 1
    OPENS: ClassVar[bool] = False
    WORDED: ClassVar[bool] = False

    def key(self) -> Key | None:
        """Return the dedupe key, or None where a repetition is a fact of its own."""
        return None

    def about(self) -> int | None:
        """Return the id of the message that the fact is about, if there is one."""
        return None


class PlainEvent(Event):
    """A fact that is recorded as it is: no decision makes or changes it."""


class MessageEvent(Event):
    """A fact about one message, or about the reply to it."""

    message_id: int

    def about(self) -> int:
        """Return the message's id."""
        return self.message_id


class Body(BaseModel):
    """The words and names that people wrote: sealed in the vault, erasable, never part of an event."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    parts: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return all parts as one text."""
        return "\n".join(self.parts)


class Draft(NamedTuple):
    """An event about to be appended.

    ``subject`` is the id of the person whose words ``body`` holds; ``causation`` the position of the event that caused
    this one, by default the first one of the same append.
    """

    event: Event
    body: Body | None = None
    subject: int | None = None
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
