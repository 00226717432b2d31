"""A client that others made: its events are heard, and everything else of it stays as it is.

discord.py calls ``dispatch`` of the client, and of its connection's state, for each event, and a parser for each kind
of the gateway's frames. Both are replaced on the one object, by functions that call what was there before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeAlias

import aiohttp
import discord
import structlog

from bot.errors import ConfigError
from bot.gateway.deliveries import Deliveries, Handler
from bot.gateway.listening import Listening
from bot.gateway.redelivering import Redelivering
from bot.gateway.requests import tracing
from bot.gateway.wire import EVENT
from bot.gateway.wiring import Wirings

AnyClient: TypeAlias = discord.Client
"""Any client of discord.py's: a Client, a Bot, one of many shards."""

INTENTS = ("guilds", "guild_messages", "dm_messages", "message_content")
"""Without these intents, messages or their words would be missing in the log (docs: gateway intents)."""

_OURS = "_echoless"
_SESSION = "_HTTPClient__session"
"""discord.py's session of a client, private to its class."""
_REPLACED = ("dispatch", "close", "_schedule_event")

_log = structlog.get_logger()


def require_free(client: object) -> discord.Client:
    """Return a client that a log can be attached to; raise ConfigError, which says what to do about another."""
    if not isinstance(client, discord.Client):
        raise ConfigError(
            f"attach() needs a discord.py client, such as a commands.Bot, and not {type(client).__name__}."
        )
    if client.is_closed():
        raise ConfigError("attach() needs a client that is not closed: make a new one.")
    if hasattr(client, _OURS):
        raise ConfigError("A log is attached to this client already: close() that one first, or use it.")
    return client


class AttachedClient:
    """Hears the events of ``client`` from :meth:`attach` to :meth:`detach`.

    ``limit`` is the time limit of a request that the log makes by the client's session, ``deliveries`` follow its
    handlers (None: nothing is given to them again).
    """

    def __init__(
        self, client: discord.Client, wirings: Wirings, limit: timedelta, deliveries: Deliveries | None = None
    ) -> None:
        self.client = client
        self.listening = Listening(client, wirings)
        self._closing: Callable[[], Awaitable[None]] | None = None
        self._trace = tracing(limit, wirings.heard, shared=True)
        self._trace.freeze()
        self._state: Any = client._connection  # noqa: SLF001 - discord.py has no other way to hear all events
        self._is_sharded = isinstance(client, discord.AutoShardedClient)
        self._is_parsing = False
        self._parsed: discord.Message | None = None
        self._arrived: list[tuple[Any, discord.Message | None]] = []
        self._deliveries = deliveries
        self._redelivering = Redelivering(client, deliveries, self._redelivered) if deliveries else None
        self._replaced = {name: mine for name, mine in vars(client).items() if name in _REPLACED}
        self._schedule: Callable[..., asyncio.Task[None]] = client._schedule_event  # noqa: SLF001 - all handlers
        self._dispatch: Callable[..., None] = client.dispatch
        self._close: Callable[[], Coroutine[Any, Any, None]] = client.close
        self._parse: Callable[[Any], None] = self._state.parsers[EVENT]

    def attach(self, closing: Callable[[], Awaitable[None]]) -> None:
        """Begin to hear; a session that has begun already is taken as one that begins now.

        ``closing`` is awaited before the client closes. Raises ConfigError where nothing could be recorded.
        """
        self._say_what_is_missing()
        self._closing = closing
        vars(self.client).update({_OURS: self, "dispatch": self._dispatched, "close": self._closed})
        if self._deliveries is not None:
            vars(self.client)["_schedule_event"] = self._scheduled
        self._state.dispatch = self._dispatched
        self._state.parsers[EVENT] = self._created
        self._trace_requests()
        if self.client.is_ready():
            self._ready()

    async def detach(self) -> None:
        """Leave the client as it was."""
        self._take_arrived()
        self.listening.stop()
        if self._redelivering is not None:
            await self._redelivering.stop()
        if self._closing is None:
            return
        self._closing = None
        self._trace_no_more()
        self._state.dispatch = self._dispatch
        self._state.parsers[EVENT] = self._parse
        own = vars(self.client)
        for name in (_OURS, *_REPLACED):
            own.pop(name, None)
        own.update(self._replaced)

    def _dispatched(self, event: str, /, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - discord.py's
        if event == "connect":
            self._trace_requests()
        if event == "message":
            if self._is_parsing:
                self._parsed = arguments[0]
            else:
                self._hear(event, arguments)
            if self._deliveries is not None:
                self._redelivered(arguments[0])
                return
        else:
            self._hear(event, arguments)
        self._dispatch(event, *arguments, **named)

    def _redelivered(self, message: discord.Message) -> None:
        """Give a message to the client's handlers, unless they were given it before."""
        deliveries = self._deliveries
        if deliveries is not None and deliveries.give(message.id):
            self._dispatch("message", message)
            deliveries.called(message.id)

    def _scheduled(self, handler: Handler, name: str, *arguments: Any, **named: Any) -> asyncio.Task[None]:  # noqa: ANN401 - discord.py's
        """Start a task for a handler, as discord.py does."""
        if name == "on_message" and self._deliveries is not None:
            handler = self._deliveries.watched(handler, arguments[0].id)
        return self._schedule(handler, name, *arguments, **named)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Hear an event; where there are several connections, each one's session counts."""
        if event == ("shard_ready" if self._is_sharded else "ready"):
            self._ready()
        elif event != "ready" and self.listening.hears(event):
            self._take_arrived()
            self.listening.hear(event, arguments)

    def _ready(self) -> None:
        self.listening.hear("ready", ())
        if self._redelivering is not None:
            self._redelivering.begin_all()

    def _created(self, data: Any) -> None:  # noqa: ANN401 - Discord's JSON
        """Have discord.py parse a message, which is recorded at the loop's next step: before handlers of others begin.

        Messages that come together are taken together. By turns with discord.py's parser, each would take half as long
        again, because the processor's caches hold either what parses or what records.
        """
        if not self._arrived:
            asyncio.get_running_loop().call_soon(self._take_arrived)
        self._is_parsing, self._parsed = True, None
        try:
            self._parse(data)
        except Exception as error:
            self._take_arrived()
            if not self.listening.arrivals.message(data):
                self.listening.arrivals.unreadable(EVENT, data, error)
            raise
        finally:
            self._is_parsing = False
        self._arrived.append((data, self._parsed))

    def _take_arrived(self) -> None:
        """Record the messages that were parsed, before anything else that is heard."""
        arrived, self._arrived = self._arrived, []
        for data, message in arrived:
            if not self.listening.arrivals.message(data) and message is not None:
                self.listening.hear("message", (message,))

    async def _closed(self) -> None:
        """Close the log, and then the client."""
        try:
            if self._closing is not None:
                await self._closing()
        finally:
            await self._close()

    def _trace_requests(self) -> None:
        """Have requests of the log timed, and none of a message repeated by discord.py, on the session of now."""
        session: aiohttp.ClientSession | None = getattr(self.client.http, _SESSION, None)
        if session and self._trace not in session.trace_configs:
            session.trace_configs.append(self._trace)

    def _trace_no_more(self) -> None:
        session: aiohttp.ClientSession | None = getattr(self.client.http, _SESSION, None)
        if session and self._trace in session.trace_configs:
            session.trace_configs.remove(self._trace)

    def _say_what_is_missing(self) -> None:
        """Log which intents the client lacks; raise ConfigError where nothing could be recorded."""
        intents = self.client.intents
        if not (intents.guild_messages or intents.dm_messages):
            raise ConfigError(
                "The client's intents bring no messages: set intents.guild_messages or intents.dm_messages "
                "(discord.Intents.default() has both) where it is made."
            )
        lacking = [name for name in INTENTS if not getattr(intents, name)]
        if lacking:
            _log.warning("attached.intents", lacking=lacking, hint="what they would bring is not recorded")
