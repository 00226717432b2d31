"""The persona in a channel: the channel's own, or its parent's, or the server's, or that of the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.core.conversation import Conversation
from bot.core.events import PersonaCleared, PersonaSet, Recorded
from bot.core.streams import guild_stream, stream_of
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A channel's parent and server, its topic and the bot's name there, as far as Discord told them.

    ``thread`` is the title of a thread, with the tags of a forum's; ``begins_in`` the channel that holds the message
    with which a thread began, whose id is the thread's (0: it is no thread).
    """

    parent_id: int | None = None
    guild_id: int | None = None
    topic: str = ""
    bot_name: str = ""
    thread: str = ""
    begins_in: int = 0


@dataclass(frozen=True, slots=True)
class Persona:
    """A persona's words, and the position of the event that set it (0: it is that of the settings)."""

    text: str = ""
    position: int = 0


async def server_persona(reader: Reader, guild_id: int) -> Recorded | None:
    """Return the event that set a server's persona, None if it has none."""
    types = (PersonaSet.TYPE, PersonaCleared.TYPE)
    query = Query(stream=guild_stream(guild_id), types=types, newest_first=True)
    async for newest in reader.events(query, limit=1):
        return newest if isinstance(newest.event, PersonaSet) else None
    return None


@dataclass(frozen=True, slots=True)
class Personas:
    """Finds the persona for a channel; ``around`` returns the channel's surroundings."""

    reader: Reader
    around: Callable[[int], Surroundings] = lambda _channel_id: Surroundings()

    async def persona(self, channel_id: int, state: Conversation | None = None) -> Persona:
        """Return the persona of a channel; a persona whose words were erased does not count."""
        around = self.around(channel_id)
        positions = [await self._of_channel(channel_id, state)]
        if around.parent_id:
            positions.append(await self._of_channel(around.parent_id))
        if around.guild_id:
            found = await server_persona(self.reader, around.guild_id)
            positions.append(found.position if found else 0)
        bodies = await self.reader.bodies(position for position in positions if position)
        return next((Persona(bodies[at].text, at) for at in positions if at in bodies), Persona())

    async def _of_channel(self, channel_id: int, state: Conversation | None = None) -> int:
        known = state or (await self.reader.load(stream_of(channel_id))).state
        return known.persona_position
