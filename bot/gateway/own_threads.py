"""The threads in which the bot is asked without a mention: those that it opened itself for an answer.

With the setting ``replies.threads`` also those in which somebody spoke to it: such a thread was started from a message
to the bot, or holds one. The log tells, once for each thread and process.
"""

from __future__ import annotations

from collections.abc import Iterable

from cachetools import LRUCache

from bot.conversations import Conversations
from bot.core.addressing import SPOKEN_TO
from bot.core.commands import Receive
from bot.core.conversation import Conversation
from bot.core.events import KeyKind, Recorded, ReplyRequested, ThreadBegun, Via
from bot.core.streams import stream_of
from bot.eventlog.reader import Reader
from bot.gateway.places import Place

REMEMBERED = 20_000
"""How many threads are remembered; others are looked up again."""


class OwnThreads:
    """Knows of threads whether they are the bot's own.

    ``opens``: the bot may have opened some; ``joins``: those in which somebody spoke to it are its own, too.
    """

    def __init__(self, reader: Reader, conversations: Conversations, *, opens: bool, joins: bool) -> None:
        self._reader = reader
        self._conversations = conversations
        self._wanted = opens or joins
        self._joins = joins
        self._own: LRUCache[int, bool] = LRUCache(REMEMBERED)

    def known(self, place: Place) -> bool:
        """Tell whether a thread was looked up, or a place is no thread."""
        return not self._wanted or place.parent_id is None or place.channel_id in self._own

    def own(self, place: Place) -> bool:
        """Tell whether a place is a thread of the bot's own; one that was not looked up is not."""
        if place.channel_id not in self._own:
            return False
        asks = self._joins and any(map(_asks, self._conversations.queued(place.channel_id)))
        return self._own[place.channel_id] or asks

    async def look(self, place: Place) -> None:
        """Look a thread up in the log; it has the id of the message that it began with (docs/discord-facts.md, 1.5)."""
        if self.known(place) or place.parent_id is None:
            return
        # Until then, what was said before may wait to be recorded.
        await self._conversations.settled(place.parent_id)
        await self._conversations.settled(place.channel_id)
        own = bool(await self._reader.find(stream_of(place.channel_id), KeyKind.THREAD))
        if not own and self._joins:
            started = await self._reader.find(stream_of(place.parent_id), KeyKind.REQUESTED, place.channel_id)
            asked = await self._reader.find(stream_of(place.channel_id), KeyKind.REQUESTED)
            own = _spoken((*started, *asked))
        self._own[place.channel_id] = self._own.get(place.channel_id, False) or own

    def observe(self, channel_id: int, _state: Conversation, new: tuple[Recorded, ...]) -> None:
        """Take new events of a channel."""
        for recorded in new:
            if type(recorded.event) is ThreadBegun and self._wanted:
                self._own[channel_id] = True
            if self._joins and isinstance(recorded.event, ReplyRequested) and _spoken((recorded,)):
                for thread_id in (channel_id, recorded.event.message_id):
                    if thread_id in self._own:
                        self._own[thread_id] = True


def _spoken(requests: Iterable[Recorded]) -> bool:
    """Tell whether one of these replies was requested for a message that everybody saw was said to the bot."""
    events = (recorded.event for recorded in requests)
    return any(
        isinstance(event, ReplyRequested) and event.call in SPOKEN_TO and event.via is not Via.WHISPER
        for event in events
    )


def _asks(command: object) -> bool:
    """Tell whether a command that is not decided yet says the same."""
    if not isinstance(command, Receive) or command.refusal is not None:
        return False
    return command.call in SPOKEN_TO and command.event.via is not Via.WHISPER
