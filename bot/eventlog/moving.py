"""A whole log that is written anew from its events, at their old places and times, under keys of its own."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from bot.core.events import (
    Body,
    CommandUsed,
    Draft,
    Event,
    PersonaSet,
    PostRequested,
    ReplyComposed,
    ReplyRequested,
    ReplyRetried,
)
from bot.errors import LogDamaged, VersionConflict
from bot.eventlog import keys
from bot.eventlog.at_rest import at_rest
from bot.eventlog.batch import Append, Batch
from bot.eventlog.ledger import Ledger, look_up
from bot.eventlog.location import Location
from bot.eventlog.vault import Vault

PAGE = 2000
"""Events of a transaction."""
_UNFIT = "These events are not those of a log, or were changed: no log was made."


class Row(NamedTuple):
    """An event and where it stands. ``erased``: it had words, and they are gone. ``lost``: they did not open."""

    position: int
    stream: str
    version: int
    recorded_at: int
    event: Event
    causation: int | None
    body: Body | None
    erased: bool = False
    lost: bool = False


def write(location: Location, rows: Iterable[Row], *, progress: Callable[[int], object]) -> None:
    """Write all events into an empty log at rest; ``progress`` is called with the number of those written.

    Words that are erased are written as none: their receipts, which are among the later events, erase those, so that
    the log says who erased them. Raises LogDamaged where an event would not get its place.
    """
    left = iter(rows)
    with at_rest(location, lambda: 0) as (connection, master):
        vault, clock, subjects = Vault(keys.read(connection, master)), _Clock(), _Subjects()
        ledger = Ledger(vault, vault.keys.chain(), clock)
        ledger.learn(look_up(connection, ()))
        while page := list(islice(left, PAGE)):
            batch = Batch()
            for row in page:
                clock.moment = row.recorded_at
                _write(ledger, batch, row, subjects.of(row.event))
            try:
                batch.write(connection)
            except sqlite3.IntegrityError as error:
                raise LogDamaged(f"{_UNFIT} Two of the events up to {page[-1].position} are the same.") from error
            progress(page[-1].position)


def _write(ledger: Ledger, batch: Batch, row: Row, subject_id: int | None) -> None:
    body = Body() if row.erased else row.body
    draft = Draft(row.event, body, None if body is None else subject_id, row.causation)
    try:
        written = ledger.append(batch, Append(row.stream, ((draft,),), row.version - 1), None)
    except (struct.error, UnicodeError):
        raise LogDamaged(f"{_UNFIT} Event {row.position} holds a number or a name that no log can hold.") from None
    if isinstance(written, VersionConflict) or written[0].new[0].position != row.position:
        raise LogDamaged(f"{_UNFIT} Event {row.position} does not follow the one before it.")


@dataclass(slots=True)
class _Clock:
    """Tells the time of the event that is written next."""

    moment: int = 0

    def __call__(self) -> int:
        return self.moment


class _Subjects:
    """Tells whose words an event has. An export does not say; the events do, for answers those that asked for them."""

    def __init__(self) -> None:
        self._asked: dict[int, int] = {}

    def of(self, event: Event) -> int | None:
        """Return the person, None where the words are nobody's; events have to come in their order."""
        match event:
            case (
                ReplyRequested(message_id=message_id, author_id=author_id)
                | ReplyRetried(message_id=message_id, author_id=author_id)
                | PostRequested(message_id=message_id, author_id=author_id)
            ):
                self._asked[message_id] = author_id
            case ReplyComposed(message_id=message_id):
                return self._asked.get(message_id) or None
            case PersonaSet(by=by):
                return int(by) if by.isascii() and by.isdecimal() else None
            case CommandUsed(user_id=user_id):
                return user_id
        author: int | None = getattr(event, "author_id", None)
        return author
