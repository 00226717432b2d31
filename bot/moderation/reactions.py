"""The reactions to the bot's messages that were not removed."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.events import Feeling, ReactionAdded, ReactionRemoved
from bot.core.streams import stream_of
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader

MOST = 2000
"""Events about one message that are read."""


@dataclass(frozen=True, slots=True)
class GivenReaction:
    """A reaction that somebody added; ``emoji`` is "" if their words were erased."""

    person_id: int
    feeling: Feeling
    emoji: str

    def is_with(self, emoji: str, feeling: Feeling) -> bool:
        """Tell whether it is one with ``emoji``; if its emoji was erased, whether it has the same ``feeling``."""
        return self.emoji == emoji if self.emoji else self.feeling is feeling is not Feeling.OTHER


async def reactions_left(reader: Reader, channel_id: int, message_id: int) -> list[GivenReaction]:
    """Return the reactions to a message that were not removed, in the order in which they were added."""
    types = (ReactionAdded.TYPE, ReactionRemoved.TYPE)
    query = Query(stream=stream_of(channel_id), message_id=message_id, types=types)
    found = [recorded async for recorded in reader.events(query, limit=MOST)]
    bodies = await reader.bodies(recorded.position for recorded in found)
    left: dict[tuple[int, str], GivenReaction] = {}
    for recorded in found:
        event, body = recorded.event, bodies.get(recorded.position)
        if isinstance(event, ReactionAdded | ReactionRemoved):
            given = GivenReaction(event.author_id, event.feeling, body.text if body else "")
            key = (given.person_id, given.emoji or given.feeling.value)
            left.pop(key, None)
            if isinstance(event, ReactionAdded):
                left[key] = given
    return list(left.values())
