"""Whose words may not be brought in: people who opted out, and people who had their words erased."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bot.core.events import ErasureReason, PersonOptedIn, PersonOptedOut, WordsErased
from bot.core.streams import BOT_STREAM
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader

_OWN_WISH = (ErasureReason.PERSON, ErasureReason.OPTED_OUT)


class Withheld(StrEnum):
    """Why a person's message is not brought in."""

    OPTED_OUT = "its author opted out"
    FORGOTTEN = "its author had what they wrote until then erased"


@dataclass(slots=True)
class People:
    """What people chose about their words, as the log has it; times are microseconds since the epoch.

    ``out`` are those who opted out, ``spells`` the times in which people had opted out before, ``forgotten`` when
    somebody last had their words erased.
    """

    out: dict[int, int] = field(default_factory=dict)
    spells: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    forgotten: dict[int, int] = field(default_factory=dict)

    async def load(self, reader: Reader) -> None:
        """Read people's choices from the log."""
        choices = Query(stream=BOT_STREAM, types=(PersonOptedOut.TYPE, PersonOptedIn.TYPE))
        async for recorded in reader.events(choices):
            match recorded.event:
                case PersonOptedOut(user_id=person_id):
                    self.out[person_id] = recorded.recorded_at
                case PersonOptedIn(user_id=person_id) if person_id in self.out:
                    spell = (self.out.pop(person_id), recorded.recorded_at)
                    self.spells.setdefault(person_id, []).append(spell)
        async for recorded in reader.events(Query(types=(WordsErased.TYPE,))):
            match recorded.event:
                case WordsErased(reason=reason, by=by) if reason in _OWN_WISH and by.isascii() and by.isdecimal():
                    self.forgotten[int(by)] = recorded.recorded_at

    def withhold(self, person_id: int, sent_at: int) -> Withheld | None:
        """Return why a message is not brought in, None if nothing is against it."""
        if person_id in self.out:
            return Withheld.OPTED_OUT
        if any(first <= sent_at < last for first, last in self.spells.get(person_id, ())):
            # "What you wrote in between was not recorded, and is not recorded now."
            return Withheld.OPTED_OUT
        return Withheld.FORGOTTEN if sent_at <= self.forgotten.get(person_id, -1) else None
