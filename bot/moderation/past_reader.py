"""Reads a log as it was: what was recorded later is not found, and what was erased later has its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.core.events import Body, KeyKind, MessageEdited, MessagePosted, Recorded, ReplyComposed, WordsErased
from bot.core.streams import channel_of
from bot.eventlog.query import Query
from bot.eventlog.reader import Bodies, Reader
from bot.moderation.display_names import names_of
from bot.moderation.text import WORDS_ERASED

_WITH_MESSAGE = (KeyKind.RECEIVED, KeyKind.EDITED)
"""The kinds of keys of events whose words go when their message is deleted."""


@dataclass(slots=True)
class PastReader(Reader):
    """Finds no event by its key that was recorded after the position ``upto``.

    In the place of words that were there then and are erased now it returns that they are erased.
    """

    upto: int = 0

    @classmethod
    def of(cls, reader: Reader, upto: int) -> PastReader:
        """Return a reader over the same connection."""
        return cls(reader.connection, reader.vault, reader.quarantine, upto)

    # A class with slots is made anew by its decorator, so super() finds no class here.
    async def find(self, stream: str, kind: KeyKind, key_id: int | None = None) -> list[Recorded]:
        """Return the events with a dedupe key, ordered by key."""
        return [each for each in await Reader.find(self, stream, kind, key_id) if each.position <= self.upto]

    async def sent_as(self, stream: str, sent_id: int) -> Recorded | None:
        """Return the event that records the sending of a message of the bot's, or None."""
        sent = await Reader.sent_as(self, stream, sent_id)
        return sent if sent is not None and sent.position <= self.upto else None

    async def bodies(self, positions: Iterable[int]) -> Bodies:
        """Return the bodies at ``positions`` that were there; those that do not open are named."""
        wanted = tuple(positions)
        found = await Reader.bodies(self, wanted)
        missing = set(wanted) - found.keys()
        erased = await self.at(await self.erased(missing)) if missing else ()
        gone = [each for each in erased if not await self._erased_then(each)]
        names = await self._names(gone)
        places = {each.position: _in_place(each.event, names) for each in gone}
        return Bodies({**found, **places}, found.unreadable)

    async def _erased_then(self, recorded: Recorded) -> bool:
        """Tell whether the words of an event were erased then already."""
        key = recorded.event.key()
        if key is not None and key.kind in _WITH_MESSAGE and await self.find(recorded.stream, KeyKind.DELETED, key.id):
            return True
        receipts = Query(stream=recorded.stream, types=(WordsErased.TYPE,), first_version=recorded.version)
        async for receipt in self.events(receipts):
            if receipt.position > self.upto:
                return False
            if isinstance(receipt.event, WordsErased) and receipt.event.covers(recorded.version):
                return True
        return False

    async def _names(self, events: Sequence[Recorded]) -> Mapping[int, str]:
        """Return the names of the authors, who have one for all of their messages."""
        people = {each.event.author_id for each in events if isinstance(each.event, MessagePosted | MessageEdited)}
        channels = {channel_of(each.stream) for each in events}
        return await names_of(self, people, [each for each in channels if each])


def _in_place(event: object, names: Mapping[int, str]) -> Body:
    """Return what stands in the place of an event's words."""
    parts = event.parts if isinstance(event, ReplyComposed) else 1
    name = names.get(event.author_id, "") if isinstance(event, MessagePosted | MessageEdited) else ""
    return Body(name=name, parts=(WORDS_ERASED,) * parts)
