"""Names to show beside ids: those that people had when they last wrote, as far as the log knows them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from bot.core.events import POSTED, Author, KeyKind, MessagePosted
from bot.core.streams import BOT_STREAM, stream_of
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.moderation.text import printable, shortened

LONGEST = 32
"""Characters of a name that are shown, as in Discord (docs: users, usernames and nicknames)."""
LOOKED_AT = 20
"""The newest messages of a private channel in which one of its person's is looked for."""

NOBODY: Mapping[int, str] = MappingProxyType({})


async def names_of(reader: Reader, people: Collection[int], channels: Iterable[int] | None = None) -> Mapping[int, str]:
    """Return the names that people had when they last wrote in ``channels`` (None: anywhere).

    People whose words are erased are missing. All are missing if the log is read without its key.
    """
    if reader.vault is None or not people:
        return NOBODY
    streams = None if channels is None else [stream_of(channel_id) for channel_id in channels]
    newest = await reader.newest_words(people, streams)
    bodies = await reader.bodies(newest.values())
    return {
        person: bodies[position].name
        for person, position in newest.items()
        if position in bodies and bodies[position].name
    }


async def partners_of(reader: Reader, channels: Collection[int]) -> Mapping[int, str]:
    """Return the name of the person in each private one of ``channels``, as far as the log knows it."""
    if reader.vault is None:
        return NOBODY
    opened = {recorded.event.key() for recorded in await reader.find(BOT_STREAM, KeyKind.DM_OPENED)}
    private = {key.id for key in opened if key is not None} & set(channels)
    found = {channel_id: await _partner(reader, channel_id) for channel_id in private}
    return {channel_id: name for channel_id, name in found.items() if name}


def beside(name: str | None) -> str:
    """Return a name to show beside an id: on one line, cut to ``LONGEST``; "" for None."""
    return shortened(printable(name), LONGEST) if name else ""


async def _partner(reader: Reader, channel_id: int) -> str:
    query = Query(stream=stream_of(channel_id), types=tuple(event.TYPE for event in POSTED), newest_first=True)
    events = [recorded async for recorded in reader.events(query, limit=LOOKED_AT)]
    written = [
        recorded.position
        for recorded in events
        if isinstance(recorded.event, MessagePosted) and recorded.event.author is Author.PERSON
    ]
    bodies = await reader.bodies(written)
    return next((bodies[position].name for position in written if position in bodies), "")
