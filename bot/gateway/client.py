"""The discord.py client: events of the gateway, and what to do when a session begins, breaks and goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.background import Background
from bot.backoff import backoff
from bot.core.events import Draft, Event, GatewayLost, GatewayReady, GatewayResumed
from bot.core.streams import BOT_STREAM
from bot.errors import EcholessError
from bot.gateway.arrivals import Arrivals
from bot.gateway.catchup import Catchup, Target
from bot.gateway.commands.tree import Trees
from bot.gateway.connecting import ReconnectingClient
from bot.gateway.discord_py_faults import MissingServers, for_discord_py, guard, one_queue
from bot.gateway.heartbeat import Heartbeat
from bot.gateway.holding import Recording
from bot.gateway.invitation import Duties, invitation
from bot.gateway.pacing import LONGEST_PAUSE
from bot.gateway.places import HOLDING, Place, place_in, place_of
from bot.gateway.reasons import SILENT_THREADS, reason
from bot.gateway.reconnects import Reconnects
from bot.gateway.requests import UNREADABLE, timed
from bot.gateway.snowflakes import MOST
from bot.gateway.wire import take_first
from bot.gateway.wiring import Wiring, Wirings

_log = structlog.get_logger()

PRESSES = (discord.InteractionType.component, discord.InteractionType.modal_submit)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Discord's addresses and the options for its clients; ``duties`` are what the bot is invited for.

    ``shard`` is the number of a client's shard and the number of shards (None: the bot has but one).
    """

    api_url: str
    gateway_url: str
    message_content: bool
    request_timeout: timedelta
    guild_ready_timeout: float = 2.0
    duties: Duties = field(default_factory=Duties)
    shard: tuple[int, int] | None = None


class Client(ReconnectingClient):
    """Passes events of the gateway to the intake, and completes channels whenever a session begins."""

    def __init__(self, endpoint: Endpoint, wirings: Wirings, reconnects: Reconnects) -> None:
        self.point_at(endpoint)
        shard_id, shard_count = endpoint.shard or (None, None)
        super().__init__(
            endpoint.request_timeout,
            reconnects,
            intents=_intents(message_content=endpoint.message_content),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=endpoint.guild_ready_timeout,
            allowed_mentions=discord.AllowedMentions.none(),
            heard=wirings.heard,
            shard_id=shard_id,
            shard_count=shard_count,
        )
        self._wirings = wirings
        self._duties = endpoint.duties
        self._up = False
        self._background = Background()
        self.catchup = Catchup(self, wirings.bounds) if wirings.bounds else None
        self._arrivals = Arrivals(self, wirings, self._complete)
        guard(self._connection.parsers, self._arrivals.unreadable)
        take_first(self._connection.parsers, self._arrivals.message)
        self._connection._delay_ready = one_queue(self._connection._delay_ready)  # type: ignore[method-assign]  # noqa: SLF001
        self._missing_servers = MissingServers(self._connection)
        self._heard = frozenset(name.removeprefix("on_") for name in dir(self) if name.startswith("on_"))
        self._trees = Trees(
            self,
            [each.commands for each in wirings if each.commands],
            lambda guild_id: wirings.of(guild_id).commands,
        )

    @staticmethod
    def point_at(endpoint: Endpoint) -> None:
        """Point discord.py at an endpoint, by its class constants (docs/discord-facts.md, 2).

        Its heartbeat and its reader of JSON are replaced the same way: discord.py has no option for them.
        """
        # The bot does not use voice, so it needs no warning that libraries for voice are missing.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        Route.BASE = endpoint.api_url
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(endpoint.gateway_url)
        discord.gateway.KeepAliveHandler = Heartbeat  # type: ignore[misc]
        # discord.py's gateway and HTTP client read JSON by this function. Its type depends on what is installed.
        discord.utils._from_json = for_discord_py  # type: ignore[assignment, unused-ignore]  # noqa: SLF001

    def logged_in(self) -> None:
        """Register the moderators' commands in the background."""
        if registering := self._trees.registering():
            self._background.start(registering)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Take the press of a button or a form. Commands come through the tree."""
        commands = self._wirings.of(interaction.guild_id).commands
        if commands is not None and interaction.type in PRESSES:
            await commands.press(interaction)

    def dispatch(self, event: str, /, *args: object, **kwargs: object) -> None:
        """Take an event at once where order matters, and otherwise let discord.py start a task for its handler.

        Events are ignored once the client is closed: discord.py waits for servers even after its connection ended.
        """
        self._missing_servers.hear(event, args)
        if self.is_closed() or self._arrivals.take(event, args) or event not in self._heard:
            return
        super().dispatch(event, *args, **kwargs)

    async def on_ready(self) -> None:
        """Complete the channels of the session and resume unfinished replies."""
        # discord.py calls this a while after the session began. The connection may be lost by now.
        if self.ws.open:
            self._up = True
            _log.info("gateway.ready", guilds=len(self.guilds))
            self._invite()
            self._note(GatewayReady(session=self.ws.session_id or "", guilds=len(self.guilds)))
            for wiring in self._wirings:
                wiring.on_ready()
        for guild in self.guilds:
            self._complete_channels(guild)
        for wiring in self._wirings:
            for channel_id in await wiring.intake.first_seen.direct_channels():
                self._complete(Target(Place(channel_id), None), wiring)
        await self._complete_threads()

    async def on_resumed(self) -> None:
        """Go on with the session: Discord replayed the missed events."""
        self._up = True
        _log.info("gateway.resumed")
        self._note(GatewayResumed(session=self.ws.session_id or ""))
        for wiring in self._wirings:
            wiring.on_ready()

    async def on_disconnect(self) -> None:
        """Note that the connection broke; the next one is made meanwhile."""
        if self._up:
            # Each further attempt to connect that fails calls this again.
            self._up = False
            _log.info("gateway.lost")
            self._note(GatewayLost())
            for wiring in self._wirings:
                wiring.on_lost()

    async def on_thread_create(self, thread: discord.Thread) -> None:
        """Complete a thread that was created, that the bot was added to, or that is no longer archived."""
        self._complete(Target(place_of(thread, thread.guild), thread.last_message_id))

    on_thread_join = on_thread_create

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Complete the channels of a server that invited the bot."""
        _log.info("server.joined", guild=guild.id)
        self._complete_channels(guild)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Complete the channels of a server that is back."""
        self._complete_channels(guild)

    async def on_guild_unavailable(self, guild: discord.Guild) -> None:
        """Doubt the channels of a server in an outage: Discord sends nothing about it until it is back."""
        for target in _targets(guild):
            self._wirings.of(guild.id).sync.doubt(target.place.channel_id)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Record the end of a server that removed the bot, and of every channel of it."""
        await self._leave(guild.id)
        for channel in (*guild.channels, *guild.threads):
            await _recorded(self._wirings.of(guild.id).intake.delete_channel(place_of(channel, guild)))
        _log.info("server.left", guild=guild.id)
        self._invite()

    async def _leave(self, guild_id: int) -> None:
        """Record first that the server is left: what a crash leaves of this is erased at the next start."""
        wiring = self._wirings.of(guild_id)
        try:
            wiring.after_deletion.begin(await wiring.intake.leave(guild_id))
        except EcholessError as error:
            _log.error("server.unrecorded", guild=guild_id, error=type(error).__name__)

    async def on_error(self, event_method: str, /, *_args: object, **_kwargs: object) -> None:
        """Log the type of a handler's error; discord.py's own log line would quote the message."""
        _log.exception("handler.failed", handler=event_method, exc_info=False)

    def complete(self, channels: Iterable[int], wiring: Wiring) -> None:
        """Catch up channels of one partition whose messages could not be recorded."""
        for channel_id in channels:
            newest = getattr(self.get_channel(channel_id), "last_message_id", None)
            self._complete(Target(place_in(self, channel_id), newest), wiring)

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
        session, left = self._session_count, list(self.guilds)
        for attempt in count(1):
            left = [guild for guild in left if not await self._asked_for_threads(guild, session)]
            if not left or self.is_closed():
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

    def _invite(self) -> None:
        """Log how to invite a bot that is on no server; a shard may have none."""
        if not self.guilds and self.application_id is not None and self.shard_id is None:
            invite = invitation(self.application_id, self._duties)
            _log.warning("gateway.no_server", invite=invite)

    def _note(self, event: Event) -> None:
        """Record an event about the gateway in each partition; an error of the log must not stop a handler."""
        for wiring in self._wirings:
            self._background.start(self._append(wiring, event))

    async def _append(self, wiring: Wiring, event: Event) -> None:
        try:
            await wiring.log.append(BOT_STREAM, (Draft(event),))
        except EcholessError as error:
            _log.warning("event.unrecorded", type=event.TYPE, error=type(error).__name__)


def _intents(*, message_content: bool) -> discord.Intents:
    intents = discord.Intents.none()
    intents.guilds = intents.guild_messages = intents.dm_messages = True
    intents.guild_reactions = intents.dm_reactions = True
    intents.message_content = message_content
    return intents


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
