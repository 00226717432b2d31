"""What hears a client's events: messages at once and in their order, and what a session's begin and end ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from itertools import count
from typing import Any

import discord
import structlog
from discord.gateway import DiscordWebSocket

from bot.background import Background
from bot.backoff import backoff
from bot.core.events import Draft, Event, GatewayLost, GatewayReady, GatewayResumed
from bot.core.streams import BOT_STREAM
from bot.errors import EcholessError
from bot.gateway.arrivals import Arrivals
from bot.gateway.catchup import Catchup, Target
from bot.gateway.holding import Recording
from bot.gateway.pacing import LONGEST_PAUSE
from bot.gateway.places import HOLDING, Place, place_in, place_of
from bot.gateway.reasons import SILENT_THREADS, reason
from bot.gateway.requests import UNREADABLE, timed
from bot.gateway.snowflakes import MOST
from bot.gateway.wiring import Wiring, Wirings

_log = structlog.get_logger()


class Listening:
    """Passes events of a client to the intake, and completes channels whenever a session begins.

    ``lonely`` is called when the client is on no server.
    """

    def __init__(self, client: discord.Client, wirings: Wirings, lonely: Callable[[], None] = lambda: None) -> None:
        self._client = client
        self._wirings = wirings
        self._lonely = lonely
        self._up = False
        self._background = Background()
        self.catchup = Catchup(client, wirings.bounds) if wirings.bounds else None
        self.arrivals = Arrivals(client, wirings, self._complete)
        self._handlers: Mapping[str, Callable[..., Coroutine[Any, Any, None]]] = {
            "ready": self.ready,
            "resumed": self._resumed,
            "disconnect": self._disconnected,
            "thread_create": self._thread,
            "thread_join": self._thread,
            "guild_join": self._joined,
            "guild_available": self._available,
            "guild_unavailable": self._unavailable,
            "guild_remove": self._removed,
        }

    def hears(self, event: str) -> bool:
        """Tell whether an event is taken, by discord.py's name for it."""
        return event in self._handlers or self.arrivals.takes(event)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> bool:
        """Take an event by discord.py's name for it, at once where order matters; return False when it is not taken."""
        if self.arrivals.take(event, arguments):
            return True
        handler = self._handlers.get(event)
        if handler is None:
            return False
        self._background.start(self._guarded(event, handler(*arguments)), f"hears {event}")
        return True

    async def _guarded(self, event: str, handling: Coroutine[Any, Any, None]) -> None:
        try:
            await handling
        except Exception:  # noqa: BLE001 - whatever it is, the next event may be a good one
            # Its text may quote what people wrote.
            _log.exception("handler.failed", handler=event, exc_info=False)

    async def ready(self) -> None:
        """Complete the channels of the session and resume unfinished replies."""
        # discord.py calls this a while after the session began. The connection may be lost by now.
        if self._is_open():
            self._up = True
            _log.info("gateway.ready", guilds=len(self._client.guilds))
            self._told_if_lonely()
            self._note(GatewayReady(session=self._session_id(), guilds=len(self._client.guilds)))
            for wiring in self._wirings:
                wiring.on_ready()
        for guild in self._client.guilds:
            self._complete_channels(guild)
        for wiring in self._wirings:
            for channel_id in await wiring.intake.first_seen.direct_channels():
                self._complete(Target(Place(channel_id), None), wiring)
        await self._complete_threads()

    def _is_open(self) -> bool:
        """Tell whether there is a connection; a client with several of them tells nothing of each."""
        link: DiscordWebSocket | None = self._client.ws  # None where there are several
        return not self._client.is_closed() if link is None else link.open

    def _session_id(self) -> str:
        return getattr(self._client.ws, "session_id", None) or ""

    def _told_if_lonely(self) -> None:
        if not self._client.guilds:
            self._lonely()

    async def _resumed(self) -> None:
        """Go on with the session: Discord replayed the missed events."""
        self._up = True
        _log.info("gateway.resumed")
        self._note(GatewayResumed(session=self._session_id()))
        for wiring in self._wirings:
            wiring.on_ready()

    async def _disconnected(self) -> None:
        """Note that the connection broke; the next one is made meanwhile."""
        if self._up:
            # Each further attempt to connect that fails calls this again.
            self._up = False
            _log.info("gateway.lost")
            self._note(GatewayLost())
            for wiring in self._wirings:
                wiring.on_lost()

    async def _thread(self, thread: discord.Thread) -> None:
        """Complete a thread that was created, that the bot was added to, or that is no longer archived."""
        self._complete(Target(place_of(thread, thread.guild), thread.last_message_id))

    async def _joined(self, guild: discord.Guild) -> None:
        """Complete the channels of a server that invited the bot."""
        _log.info("server.joined", guild=guild.id)
        self._complete_channels(guild)

    async def _available(self, guild: discord.Guild) -> None:
        """Complete the channels of a server that is back."""
        self._wirings.of(guild.id).on_available()
        self._complete_channels(guild)

    async def _unavailable(self, guild: discord.Guild) -> None:
        """Doubt the channels of a server in an outage: Discord sends nothing about it until it is back."""
        for target in _targets(guild):
            self._wirings.of(guild.id).sync.doubt(target.place.channel_id)

    async def _removed(self, guild: discord.Guild) -> None:
        """Record the end of a server that removed the bot, and of every channel of it."""
        await self._leave(guild.id)
        for channel in (*guild.channels, *guild.threads):
            await _recorded(self._wirings.of(guild.id).intake.delete_channel(place_of(channel, guild)))
        _log.info("server.left", guild=guild.id)
        self._told_if_lonely()

    async def _leave(self, guild_id: int) -> None:
        """Record first that the server is left: what a crash leaves of this is erased at the next start."""
        wiring = self._wirings.of(guild_id)
        try:
            wiring.after_deletion.begin(await wiring.intake.leave(guild_id))
        except EcholessError as error:
            _log.error("server.unrecorded", guild=guild_id, error=type(error).__name__)

    def stop(self) -> None:
        """Stop catching up; the next session completes these channels."""
        if self.catchup is not None:
            self.catchup.stop()

    def complete(self, channels: Iterable[int], wiring: Wiring) -> None:
        """Catch up channels of one partition whose messages could not be recorded."""
        for channel_id in channels:
            newest = getattr(self._client.get_channel(channel_id), "last_message_id", None)
            self._complete(Target(place_in(self._client, channel_id), newest), wiring)

    def _complete(self, target: Target, wiring: Wiring | None = None) -> None:
        """Catch up a channel; its ``wiring`` is that of its server, unless the caller knows better."""
        wiring = wiring or self._wirings.of(target.place.guild_id)
        wiring.intake.returned(target.place.channel_id)
        if self.catchup is None:
            wiring.sync.complete(target.place.channel_id)
        elif wiring.intake.records(target.place):
            self.catchup.begin(target, wiring)

    def _complete_channels(self, guild: discord.Guild) -> None:
        for target in _targets(guild):
            self._complete(target)

    async def _complete_threads(self) -> None:
        """Complete active threads that the session's start did not name; ask until every server has listed its own."""
        session, left = self._session_count, list(self._client.guilds)
        for attempt in count(1):
            left = [guild for guild in left if not await self._asked_for_threads(guild, session)]
            if not left or self._client.is_closed():
                return
            await asyncio.sleep(backoff(attempt, LONGEST_PAUSE))

    async def _asked_for_threads(self, guild: discord.Guild, session: int) -> bool:
        """Complete one server's threads; return False when asking again may help."""
        known = {thread.id for thread in guild.threads}
        try:
            async with timed():
                threads = await guild.active_threads()
        except UNREADABLE as error:
            final = isinstance(error, discord.Forbidden | discord.NotFound)
            hint = SILENT_THREADS if final else "asked for again"
            _log.warning("threads.unknown", guild=guild.id, reason=reason(error), hint=hint)
            return final or self._session_count != session
        # A session that began meanwhile asks again itself, and this answer is too old for it.
        for thread in threads if self._session_count == session else ():
            if thread.id not in known:
                self._complete(Target(place_of(thread, guild), thread.last_message_id))
        return True

    @property
    def _session_count(self) -> int:
        """Return how many sessions began: each of them doubts the channels of all partitions."""
        return max(wiring.sync.sessions for wiring in self._wirings)

    def _note(self, event: Event) -> None:
        """Record an event about the gateway in each partition; an error of the log must not stop a handler."""
        for wiring in self._wirings:
            self._background.start(self._append(wiring, event))

    async def _append(self, wiring: Wiring, event: Event) -> None:
        try:
            await wiring.log.append(BOT_STREAM, (Draft(event),))
        except EcholessError as error:
            _log.warning("event.unrecorded", type=event.TYPE, error=type(error).__name__)


def _targets(guild: discord.Guild) -> Iterator[Target]:
    """Yield the channels and threads of a server that can hold messages."""
    for channel in (*guild.channels, *guild.threads):
        if isinstance(channel, HOLDING) and channel.id <= MOST:
            yield Target(place_of(channel, guild), channel.last_message_id)


async def _recorded(recording: Recording | None) -> None:
    """Wait until a queued command is recorded. A failure is reported elsewhere, and a catch-up makes up for it."""
    if recording is None:
        return
    try:
        await recording
    except EcholessError as error:
        _log.debug("message.unrecorded", error=type(error).__name__)
