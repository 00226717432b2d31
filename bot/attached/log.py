"""The log of a client, as the client's own code uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import NamedTuple

from pydantic import JsonValue

from bot.attached.own_streams import Folded, OwnStreams, Placed, require_stream
from bot.attached.parts import Parts
from bot.attached.posts import Posts
from bot.consumers.consumer import Consumer
from bot.consumers.consumers import Consumers
from bot.core.conversation import Conversation
from bot.core.events import Body, Event, OwnRecorded, Recorded
from bot.core.own import Event as OwnEvent
from bot.core.own.fold import F
from bot.core.streams import stream_of
from bot.effects import DeclaredEffect
from bot.effects.own_code import Function
from bot.errors import ConfigError, LogClosed
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query
from bot.gateway.attached import AttachedClient
from bot.gateway.things import ChannelLike, Messageable, MessageLike, channel_id_of, id_of, parts_of

PAGE = 500
"""Events whose words are read at once."""


class Told(NamedTuple):
    """A recorded event and its words: None where it has none, where they were erased or not asked for.

    ``own`` is the program's own event that it holds; None for one of the log's, and where its class is not known.
    """

    recorded: Recorded
    words: Body | None = None
    own: OwnEvent | None = None

    @property
    def event(self) -> Event | OwnEvent:
        """Return the event itself, the program's own where it is one."""
        return self.recorded.event if self.own is None else self.own


class Log:
    """The event log of a client. Make one with :func:`bot.attach`; it is closed along with the client."""

    def __init__(
        self, client: AttachedClient, parts: Parts, stack: AsyncExitStack, own_events: Sequence[type[OwnEvent]] = ()
    ) -> None:
        self._client = client
        self._parts = parts
        self._stack = stack
        self._own = OwnStreams(parts.log, parts.opted_out, own_events)
        self._consumers: list[Consumers] = []
        self._is_closing = False

    @property
    def event_log(self) -> EventLog:
        """Return the log itself, for what has no name here."""
        return self._parts.log

    async def reply(self, message: MessageLike, text: str, *, key: str) -> list[int]:
        """Reply to a message, once for each ``key`` in its channel; return the ids of the reply's messages.

        It is recorded before it is sent, so it goes out whatever happens, also after a crash, and once. With the same
        key nothing more is sent, whatever the text is, and the ids of then are returned. A long text becomes several
        messages. Whoever stops waiting does not stop it.

        Raises PostAbandoned where it was given up, as when Discord forbids it, ValueError for an empty text or key,
        ConfigError in a log that only observes, and LogError where it could not be recorded.
        """
        channel_id, message_id, author_id = parts_of(message)
        return await self._posts().post(channel_id, text, key, reply_to=message_id, author_id=author_id)

    async def send(self, channel: Messageable, text: str, *, key: str) -> list[int]:
        """Post a text in a channel, to a person or in a command's context, as :meth:`reply` does."""
        return await self._posts().post(await channel_id_of(channel), text, key)

    async def once(
        self,
        key: str,
        effect: Function,
        *,
        look: Function | None = None,
        repeatable: bool = False,
        about: int | None = None,
    ) -> JsonValue:
        """Run ``effect`` once under ``key`` and return its result, which is JSON; a later call returns the same.

        If a process ends in its middle, nobody knows whether it took effect. Then ``look`` is asked, which returns its
        result, or None if it did not. With ``repeatable`` it runs once more. Without either FateUnknown is raised. What
        ``effect`` raises is raised, and a later call asks ``look``, if there is one, and runs it again. Whoever stops
        waiting does not stop it. ``about`` is the id of the person whom key and result are about: they are erased with
        that person's words.

        Raises FateUnknown, KeyTaken where the key is another effect's, ResultLost where its result is not kept,
        ValueError for an empty key, and LogError where it could not be recorded.
        """
        self._require_open()
        return await self._parts.effects.once(key, effect, look=look, repeatable=repeatable, about=about)

    async def do(self, effect: DeclaredEffect, *, key: str) -> JsonValue:
        """Make a declared effect (:mod:`bot.effects`) once under ``key``, and return its result; so does a later call.

        It is recorded before it is made, so it is made whatever happens, also after a crash and without a further call;
        where nobody knows whether it was, Discord is asked. What is made at the same place is made in order. Whoever
        stops waiting does not stop it.

        Raises EffectGivenUp where it was refused for good, or not made for a day; FateUnknown where nobody knows;
        KeyTaken, ResultLost, ValueError and LogError as :meth:`once`; EffectError where a header's variable has no
        value; ConfigError in a log that only observes.
        """
        self._require_open()
        if self._parts.replies is None:
            raise ConfigError("This log only observes (observe=True), so nothing is made: attach() without it.")
        return await self._parts.effects.do(effect, key=key)

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
        stream: str | None = None,
        after: int = 0,
        types: Sequence[type[Event | OwnEvent]] = (),
        words: bool = False,
    ) -> AsyncIterator[Told]:
        """Yield what is recorded of a channel (None: of all), beyond position ``after``, in the order of the log.

        ``stream`` is an own stream in the place of a channel. ``types`` are the events that are wanted, own ones too
        (none: all). Without ``words`` nothing is unsealed. It ends with the
        newest event.
        """
        self._require_open()
        if channel is not None and stream is not None:
            raise ConfigError("Events are read of a channel or of an own stream: name one of them.")
        name = None if stream is None else require_stream(stream)
        if channel is not None:
            await self._parts.conversations.settled(id_of(channel))
            name = stream_of(id_of(channel))
        reader = self._parts.log.aside
        stored = dict.fromkeys(OwnRecorded.TYPE if issubclass(each, OwnEvent) else each.TYPE for each in types)
        wanted = {each.TYPE for each in types}
        query = Query(stream=name, types=tuple(stored), after_position=after)
        page: list[Recorded] = []
        async for recorded in reader.events(query):
            event = recorded.event
            if wanted and isinstance(event, OwnRecorded) and not wanted & {event.type, event.TYPE}:
                continue
            page.append(recorded)
            if len(page) == PAGE:
                for told in await self._told(page, words=words):
                    yield told
                page = []
        for told in await self._told(page, words=words):
            yield told

    async def append(
        self,
        stream: str,
        *events: OwnEvent,
        key: str | None = None,
        expected_version: int | None = None,
        words: str | Sequence[str] = (),
        subject: int | None = None,
    ) -> Placed:
        """Append own events to an own stream, together or not at all; under a ``key`` once only.

        With the key of an earlier call to the same stream nothing is appended, and what was recorded then is returned.
        ``expected_version`` is the version that the stream has to be at (0: there is nothing in it). ``words`` are what
        people wrote, beside a single event: sealed, erasable, ``subject`` the id of the person whose they are. They
        are not taken of people who opted out. Raises OwnEventError where something given does not fit, VersionConflict
        where the stream is at another version, LogError when the log can't be written.
        """
        self._require_open()
        return await self._own.append(
            stream, *events, key=key, expected_version=expected_version, words=words, subject=subject
        )

    async def fold(self, stream: str, fold: type[F]) -> F:
        """Return the state of an own stream now; see :meth:`fold_at`."""
        return (await self.fold_at(stream, fold)).state

    async def fold_at(self, stream: str, fold: type[F]) -> Folded[F]:
        """Return the state of an own stream, and the version at which it is so, for ``expected_version``.

        Raises OwnFoldError where ``apply`` fails, OwnEventError where an event does not fit its class, both with the
        place; LogError when the log can't be read.
        """
        self._require_open()
        return await self._own.fold_at(stream, fold)

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
        await self._client.detach()
        await self._own.close()
        await self._parts.end()
        await self._stack.aclose()

    def _posts(self) -> Posts:
        self._require_open()
        if self._parts.replies is None:
            raise ConfigError("This log only observes (observe=True), so nothing is sent: attach() without it.")
        return self._parts.posts

    async def _told(self, page: Sequence[Recorded], *, words: bool) -> list[Told]:
        bodies = await self._parts.log.aside.bodies(each.position for each in page) if words else {}
        return [Told(each, bodies.get(each.position), self._own.read(each)) for each in page]

    def _require_open(self) -> None:
        if self._is_closing:
            raise LogClosed("The log is closed: attach() opens it again.")
