"""The page of conversations in the running bot, as the settings have it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.config import Config
from bot.errors import ConfigError
from bot.gateway.commands.sight import Sight
from bot.gateway.current import CurrentClient
from bot.moderation.context import CommandContext
from bot.page.application import application, sign_in_link
from bot.page.serving import address_of
from bot.page.sessions import OWNER, Viewer
from bot.page.site import Names, Site


@dataclass(frozen=True, slots=True)
class Moderator:
    """A moderator who acts on the page, as they do in Discord: with the same permissions, recorded in the same way.

    ``context`` returns that of the log in which their uses are recorded.
    """

    sight: Sight
    context: Callable[[], CommandContext]

    @property
    def by(self) -> str:
        """Return the person's id."""
        return str(self.sight.user_id)

    async def refusal(self, command: str, channel_id: int, *, anew: bool = True) -> str | None:
        """Return why they may not use a command about a channel, None if they may."""
        return await self.sight.refusal(command, channel_id, anew=anew)

    async def note(self, command: str, options: str, channel_id: int, outcome: str) -> None:
        """Record a use in the stream of their server."""
        await self.context().note_use(
            user_id=self.sight.user_id,
            guild_id=self.sight.guild_id,
            channel_id=channel_id,
            command=command,
            options=options,
            outcome=outcome,
        )


@dataclass(frozen=True, slots=True)
class RunningPage:
    """The page over the logs that a process serves."""

    site: Site
    application: web.Application
    address: str

    def invite(
        self, sight_of: Callable[[int, int], Sight], context: Callable[[], CommandContext], user_id: int, guild_id: int
    ) -> str:
        """Return a link for a person to what they see in a server, and may do there."""
        sight = sight_of(guild_id, user_id)
        viewer = Viewer(f"user {user_id}", sight.visible, Moderator(sight, context))
        return sign_in_link(self.site, self.address, viewer)

    def tell(self) -> None:
        """Show the owner a link with which to sign in: at a terminal alone, since log lines are kept."""
        if sys.stderr.isatty():
            link = sign_in_link(self.site, self.address, OWNER)
            sys.stderr.write(f"The page of conversations; this link works once: {link}\n")


def page_of(
    config: Config, contexts: Callable[[], Mapping[int, CommandContext]], clients: Callable[[], Sequence[CurrentClient]]
) -> RunningPage | None:
    """Return the page, None where it is off; raise ConfigError without the package that it takes, or without a port.

    ``contexts`` are those of the partitions that are served here, ``clients`` know the names of channels and servers.
    """
    telemetry = config.telemetry
    if not config.page.enabled:
        return None
    if not telemetry.port:
        raise ConfigError(
            "The page is served beside /healthz, at telemetry.port: set it to a port, or page.enabled to false."
        )

    def channel(channel_id: int) -> str:
        return next(filter(None, (each.channel_name(channel_id) for each in clients())), "")

    def server(guild_id: int) -> str:
        return next(filter(None, (each.server_name(guild_id) for each in clients())), "")

    site = Site(lambda: tuple(contexts().values()), Names(channel, server))
    here = address_of(telemetry.host, telemetry.port)
    address = config.page.address.rstrip("/") or here
    return RunningPage(site, application(site, (here, address)), address)
