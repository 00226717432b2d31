"""What Discord tells once and never again: private channels, and the channels that threads belong to."""

from __future__ import annotations

import asyncio

from bot.core.conversation import Conversation
from bot.core.events import DirectChannelOpened, Draft, Key, KeyKind, Recorded, ThreadBegun, ThreadSeen
from bot.core.streams import BOT_STREAM
from bot.eventlog.log import EventLog
from bot.gateway.places import Place


class FirstSeen:
    """Records each private channel and each thread before its first message."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._seen: set[Key] = set()

    def note(self, place: Place) -> None:
        """Record a place that nobody lists later, unless this process did so.

        Discord never lists private channels; when a channel is deleted, it does not name its archived threads.
        """
        if place.direct:
            self._record(DirectChannelOpened(channel_id=place.channel_id))
        elif place.parent_id:
            self._record(ThreadSeen(channel_id=place.channel_id, parent_id=place.parent_id))

    def observe(self, channel_id: int, _state: Conversation, new: tuple[Recorded, ...]) -> None:
        """Take new events of a channel: the bot may be the only one who writes in a thread that it opened."""
        for recorded in new:
            if type(recorded.event) is ThreadBegun:
                self._record(ThreadSeen(channel_id=channel_id, parent_id=recorded.event.parent_id))

    async def direct_channels(self) -> list[int]:
        """Return the private channels in which somebody wrote to the bot."""
        opened = await self._log.reader.find(BOT_STREAM, KeyKind.DM_OPENED)
        return [record.event.channel_id for record in opened if isinstance(record.event, DirectChannelOpened)]

    async def threads(self, parent_id: int) -> list[int]:
        """Return the threads of a channel that were seen."""
        seen = [record.event for record in await self._log.reader.find(BOT_STREAM, KeyKind.THREAD)]
        return [event.channel_id for event in seen if isinstance(event, ThreadSeen) and event.parent_id == parent_id]

    def _record(self, event: DirectChannelOpened | ThreadSeen) -> None:
        key = event.key()
        if key not in self._seen:
            self._seen.add(key)
            task = asyncio.get_running_loop().create_task(self._log.append(BOT_STREAM, (Draft(event),)))
            task.add_done_callback(lambda done: self._recorded(key, done))

    def _recorded(self, key: Key, done: asyncio.Task[object]) -> None:
        if done.cancelled() or done.exception() is not None:
            self._seen.discard(key)
