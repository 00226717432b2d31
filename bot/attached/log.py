"""The log of a client, as the client's own code uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import NamedTuple

from bot.attached.parts import Parts
from bot.consumers.consumer import Consumer
from bot.consumers.consumers import Consumers
from bot.core.conversation import Conversation
from bot.core.events import Body, Event, Recorded
from bot.core.streams import stream_of
from bot.errors import ConfigError, LogClosed
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query
from bot.gateway.attached import AttachedClient, ChannelLike, id_of

PAGE = 500
"""Events whose words are read at once."""


class Told(NamedTuple):
    """A recorded event and its words: None where it has none, where they were erased or not asked for."""

    recorded: Recorded
    words: Body | None = None

    @property
    def event(self) -> Event:
        """Return the event itself."""
        return self.recorded.event


class Log:
    """The event log of a client. Make one with :func:`bot.attach`; it is closed along with the client."""

    def __init__(
        self, client: AttachedClient, parts: Parts, stack: AsyncExitStack, own_events: Sequence[type[Event]] = ()
    ) -> None:
        self._client = client
        self._parts = parts
        self._stack = stack
        self._own_events = tuple(own_events)
        self._consumers: list[Consumers] = []
        self._is_closing = False

    @property
    def event_log(self) -> EventLog:
        """Return the log itself, for what has no name here."""
        return self._parts.log

    async def state(self, channel: ChannelLike) -> Conversation:
        """Return what the log knows of a channel now: its window of messages, its unfinished replies, its counts.

        ``channel`` is a channel, thread or its id. Raises LogUnreadable when the log can't be read there.
        """
        self._require_open()
        channel_id = id_of(channel)
        await self._parts.conversations.settled(channel_id)
        return await self._parts.conversations.state(channel_id)

    async def events(
        self,
        channel: ChannelLike | None = None,
        *,
        after: int = 0,
        types: Sequence[type[Event]] = (),
        words: bool = False,
    ) -> AsyncIterator[Told]:
        """Yield what is recorded of a channel (None: of all), beyond position ``after``, in the order of the log.

        ``types`` are the events that are wanted (none: all). Without ``words`` nothing is unsealed. It ends with the
        newest event.
        """
        self._require_open()
        stream = None
        if channel is not None:
            await self._parts.conversations.settled(id_of(channel))
            stream = stream_of(id_of(channel))
        reader = self._parts.log.aside
        query = Query(stream=stream, types=tuple(each.TYPE for each in types), after_position=after)
        page: list[Recorded] = []
        async for recorded in reader.events(query):
            page.append(recorded)
            if len(page) == PAGE:
                for told in await self._told(page, words=words):
                    yield told
                page = []
        for told in await self._told(page, words=words):
            yield told

    async def consumer(self, consumer: Consumer) -> None:
        """Have a consumer follow the log from now on, until the log is closed; raises ConfigError for a second one.

        A consumer's place in the log is kept by its name.
        """
        self._require_open()
        if any(consumer.name in each.names for each in self._consumers):
            raise ConfigError(f"There is a consumer {consumer.name!r} already: give this one another name.")
        consumers = Consumers((consumer,), self._parts.clock)
        self._consumers.append(consumers)
        await self._stack.enter_async_context(consumers.of(self._parts.log))

    async def close(self) -> None:
        """Let sends under way end, and close the log; the client goes on without it. A second time does nothing."""
        if self._is_closing:
            return
        self._is_closing = True
        await self._parts.hush()
        self._client.detach()
        await self._parts.end()
        await self._stack.aclose()

    async def _told(self, page: Sequence[Recorded], *, words: bool) -> list[Told]:
        bodies = await self._parts.log.aside.bodies(each.position for each in page) if words else {}
        return [Told(each, bodies.get(each.position)) for each in page]

    def _require_open(self) -> None:
        if self._is_closing:
            raise LogClosed("The log is closed: attach() opens it again.")
