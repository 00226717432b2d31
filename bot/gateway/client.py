"""The discord.py client of the bot itself, which listens to its own events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.background import Background
from bot.gateway.commands.tree import Trees
from bot.gateway.connecting import ReconnectingClient
from bot.gateway.discord_py_faults import MissingServers, for_discord_py, guard, one_queue
from bot.gateway.heartbeat import Heartbeat
from bot.gateway.invitation import Duties, invitation
from bot.gateway.listening import Listening
from bot.gateway.reconnects import Reconnects
from bot.gateway.wire import take_first
from bot.gateway.wiring import Wirings

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
    """Has its events heard, and takes the bot's own commands."""

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
        self._background = Background()
        self.listening = Listening(self, wirings, self._invite)
        guard(self._connection.parsers, self.listening.arrivals.unreadable)
        take_first(self._connection.parsers, self.listening.arrivals.message)
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
        """Have an event heard, and otherwise let discord.py start a task for its handler.

        Events are ignored once the client is closed: discord.py waits for servers even after its connection ended.
        """
        self._missing_servers.hear(event, args)
        if self.is_closed() or self.listening.hear(event, args) or event not in self._heard:
            return
        super().dispatch(event, *args, **kwargs)

    async def on_error(self, event_method: str, /, *_args: object, **_kwargs: object) -> None:
        """Log the type of a handler's error; discord.py's own log line would quote the message."""
        _log.exception("handler.failed", handler=event_method, exc_info=False)

    def _invite(self) -> None:
        """Log how to invite a bot that is on no server; a shard may have none."""
        if self.application_id is not None and self.shard_id is None:
            invite = invitation(self.application_id, self._duties)
            _log.warning("gateway.no_server", invite=invite)


def _intents(*, message_content: bool) -> discord.Intents:
    intents = discord.Intents.none()
    intents.guilds = intents.guild_messages = intents.dm_messages = True
    intents.guild_reactions = intents.dm_reactions = True
    intents.message_content = message_content
    return intents
