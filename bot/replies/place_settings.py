"""What holds in a channel of the settings of a place: the channel's own, or its parent's, or the server's.

If none of these is set, or none counts, that of the settings holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bot.core.conversation import Conversation
from bot.core.events import ModelSet, Recorded
from bot.core.place_settings import MODEL, PERSONA, PlaceSetting
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

    def chained(self, reply_to: int | None) -> bool:
        """Tell whether a question here belongs to a chain of replies, if such are read; ``reply_to``: what it answers.

        A thread and a private channel are one conversation, in which people speak without replying.
        """
        return bool(reply_to) or (self.guild_id is not None and not self.parent_id)


class Held(NamedTuple):
    """A value that holds in a channel, and the position of the event that set it (0: it is that of the settings)."""

    value: str = ""
    position: int = 0


async def of_server(reader: Reader, setting: PlaceSetting, guild_id: int) -> Recorded | None:
    """Return the event that set a server's own value, None if it has none."""
    types = (setting.chosen.TYPE, setting.cleared.TYPE)
    query = Query(stream=guild_stream(guild_id), types=types, newest_first=True)
    async for newest in reader.events(query, limit=1):
        return newest if isinstance(newest.event, setting.chosen) else None
    return None


@dataclass(frozen=True, slots=True)
class PlaceSettings:
    """Finds what holds in a channel; ``around`` returns the channel's surroundings."""

    reader: Reader
    around: Callable[[int], Surroundings] = lambda _channel_id: Surroundings()

    async def persona(self, channel_id: int, state: Conversation | None = None) -> Held:
        """Return the persona of a channel; a persona whose words were erased does not count."""
        positions = await self._nearest_first(PERSONA, channel_id, state)
        bodies = await self.reader.bodies(positions)
        return next((Held(bodies[at].text, at) for at in positions if at in bodies), Held())

    async def model(self, channel_id: int, choices: Collection[str], state: Conversation | None = None) -> Held:
        """Return the model that was chosen for a channel; one that is not among ``choices`` any more does not count."""
        if not choices:
            return Held()
        chosen = await self.models(channel_id, state)
        return next((Held(model, at) for model, at in chosen if model in choices), Held())

    async def models(self, channel_id: int, state: Conversation | None = None) -> Sequence[Held]:
        """Return all models that were chosen for a channel, the nearest choice first."""
        positions = await self._nearest_first(MODEL, channel_id, state)
        found = {recorded.position: recorded.event for recorded in await self.reader.at(positions)}
        return [Held(event.model, at) for at in positions if isinstance(event := found.get(at), ModelSet)]

    async def _nearest_first(
        self, setting: PlaceSetting, channel_id: int, state: Conversation | None
    ) -> tuple[int, ...]:
        """Return the positions of the events that set it: for the channel, for its parent, for its server."""
        around = self.around(channel_id)
        positions = [await self._of_channel(setting, channel_id, state)]
        if around.parent_id:
            positions.append(await self._of_channel(setting, around.parent_id))
        if around.guild_id:
            found = await of_server(self.reader, setting, around.guild_id)
            positions.append(found.position if found else 0)
        return tuple(filter(None, positions))

    async def _of_channel(self, setting: PlaceSetting, channel_id: int, state: Conversation | None = None) -> int:
        return setting.position(state or (await self.reader.load(stream_of(channel_id))).state)
