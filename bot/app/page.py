"""The page of conversations in the running bot, as the settings have it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.config import Config
from bot.gateway.current import CurrentClient
from bot.moderation.context import CommandContext
from bot.page.application import application, sign_in_link
from bot.page.site import Names, Site

_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - the owner chose it


@dataclass(frozen=True, slots=True)
class RunningPage:
    """The page over the logs that a process serves."""

    site: Site
    application: web.Application

    def tell(self, host: str, port: int) -> None:
        """Show the owner a link with which to sign in: at a terminal alone, since log lines are kept."""
        if port and sys.stderr.isatty():
            base = f"http://{'127.0.0.1' if host in _EVERYWHERE else host}:{port}"
            sys.stderr.write(f"The page of conversations; this link works once: {sign_in_link(self.site, base)}\n")


def page_of(
    config: Config, contexts: Callable[[], Mapping[int, CommandContext]], clients: Callable[[], Sequence[CurrentClient]]
) -> RunningPage | None:
    """Return the page, None where it is off; raise ConfigError without the package that it takes.

    ``contexts`` are those of the partitions that are served here, ``clients`` know the names of channels and servers.
    """
    if not config.page.enabled:
        return None

    def channel(channel_id: int) -> str:
        return next(filter(None, (each.channel_name(channel_id) for each in clients())), "")

    def server(guild_id: int) -> str:
        return next(filter(None, (each.server_name(guild_id) for each in clients())), "")

    site = Site(lambda: tuple(contexts().values()), Names(channel, server))
    own = () if config.telemetry.host in _EVERYWHERE else (config.telemetry.host,)
    return RunningPage(site, application(site, (*own, *config.page.hosts)))
