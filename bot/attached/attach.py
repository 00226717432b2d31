"""Attaching a log to a client of discord.py's that exists already."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from os import PathLike
from pathlib import Path

from bot.app.clock import clock
from bot.app.life import alive
from bot.attached.log import Log
from bot.attached.parts import Parts, Settings
from bot.config import Config
from bot.consumers.consumer import Consumer
from bot.core.own import Event
from bot.errors import ConfigError
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.gateway.attached import AnyClient, AttachedClient, require_free
from bot.gateway.current import CurrentClient
from bot.gateway.discord_time import DiscordTime
from bot.telemetry.library import log_with_the_process


async def attach(
    client: AnyClient,
    folder: str | PathLike[str] = "log",
    *,
    observe: bool = False,
    redeliver: bool = False,
    events: Sequence[type[Event]] = (),
    consumers: Sequence[Consumer] = (),
) -> Log:
    """Open the log in ``folder``, made if it is missing, and have everything recorded in it that the client sees.

    Call it in ``setup_hook``, or later. The client's handlers, caches, intents and settings stay as they are, and the
    log is closed along with it. ``observe``: nothing is ever sent by the log. ``redeliver``: messages whose handlers
    had not ended before a crash, and those that were missed meanwhile, are handed to the handlers after the start.
    ``events`` are own types of events, ``consumers`` follow the log.

    Raises ConfigError where the client or the options don't fit, LogLocked while another process has the log, and
    other LogErrors where it can't be opened. Then the client is as it was.
    """
    log_with_the_process()
    client = require_free(client)
    if observe and redeliver:
        raise ConfigError("observe=True only records, and redeliver=True has handlers act again: choose one of them.")
    settings = Settings(Config(), clock)
    async with AsyncExitStack() as opening:
        log = await open_log(Location(Path(folder)), clock=clock)
        opening.push_async_callback(log.close)
        await opening.enter_async_context(alive(log))
        parts = Parts(log, CurrentClient(DiscordTime(clock), client), settings, observe=observe, redeliver=redeliver)
        await parts.begin(client)
        limit = settings.config.replies.send_timeout
        attached = AttachedClient(client, parts.wirings(settings), limit, parts.deliveries)
        parts.complete = attached.listening.complete
        closing = AsyncExitStack()
        # Own types that don't fit are refused here: then what was opened is closed.
        made = Log(attached, parts, closing, events)
        closing.push_async_exit(opening.pop_all())
    try:
        for consumer in consumers:
            await made.consumer(consumer)
        attached.attach(made.close)
    except BaseException:
        await made.close()
        raise
    return made
