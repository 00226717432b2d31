"""The people who opted out: nothing that they write is recorded or answered."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.core.events import Draft, PersonOptedIn, PersonOptedOut
from bot.core.streams import BOT_STREAM
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader


@dataclass(slots=True)
class OptedOut:
    """Holds the ids of these people in memory, because every message is looked at; the log holds the choices."""

    _people: set[int] = field(default_factory=set)

    def __contains__(self, person_id: object) -> bool:
        return person_id in self._people

    async def load(self, reader: Reader) -> None:
        """Read from the log what people chose before this process began."""
        query = Query(stream=BOT_STREAM, types=(PersonOptedOut.TYPE, PersonOptedIn.TYPE))
        async for recorded in reader.events(query):
            match recorded.event:
                case PersonOptedOut(user_id=person_id):
                    self._people.add(person_id)
                case PersonOptedIn(user_id=person_id):
                    self._people.discard(person_id)

    async def add(self, log: EventLog, person_id: int) -> bool:
        """Record that a person opts out; tell whether that is new. It holds at once, before it is recorded."""
        if person_id in self._people:
            return False
        self._people.add(person_id)
        try:
            await log.append(BOT_STREAM, (Draft(PersonOptedOut(user_id=person_id)),))
        except BaseException:
            self._people.discard(person_id)
            raise
        return True

    async def remove(self, log: EventLog, person_id: int) -> bool:
        """Record that a person opts in again; tell whether they had opted out. It holds once it is recorded."""
        if person_id not in self._people:
            return False
        await log.append(BOT_STREAM, (Draft(PersonOptedIn(user_id=person_id)),))
        self._people.discard(person_id)
        return True
