"""A bot's life: from settings to an open log, a connected bot, and a closed log."""

from __future__ import annotations

import asyncio
import os
import platform
import socket
from collections.abc import Coroutine
from contextlib import suppress

import structlog

from bot import __version__
from bot.app import from_settings
from bot.app.bot import Bot, clock
from bot.app.consumers import consumers_of
from bot.app.engines import engine_of
from bot.app.events import feed_of
from bot.app.responders import answered, responders_of, why_silent, why_unasked
from bot.app.standing import standing_by
from bot.config import Config
from bot.core.events import BotStarted, BotStopped, Draft
from bot.core.streams import BOT_STREAM
from bot.errors import EcholessError
from bot.eventlog import forms
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.gateway.supervisor import checked_token

_log = structlog.get_logger()


async def run_bot(
    config: Config,
    token: str,
    location: Location,
    stopping: asyncio.Event,
    *,
    accept_unknown: bool = False,
    take_over: bool = False,
    standby: bool = False,
) -> None:
    """Run the bot until ``stopping`` is set, or until an error that needs a person.

    ``accept_unknown`` goes on where a newer release wrote to the log what this one does not know; ``take_over`` takes a
    log in an engine from a process that runs, a ``standby`` follows that until it ends. Raises TokenError, IntentError,
    LogError and ConfigError. Settings and token are checked before anything is made.
    """
    answering = responders_of(config)
    following = consumers_of(config)
    feed = feed_of(config, location)
    engine = engine_of(config, os.environ, take_over=take_over, standby=standby)
    _say_what_is_answered(config)
    if not await checked_token(from_settings.endpoint(config), token, stopping):
        return
    full = config.log.durability == "full"
    opening = open_log(
        location,
        clock=clock,
        full=full,
        accept_unknown=accept_unknown,
        on_migration=_say_what_is_migrated,
        engine=engine,
    )
    if standby and engine is not None:
        async with standing_by(config, engine.standing):
            log = await _unless_stopped(opening, stopping)
        if log is None:
            return
    else:
        log = await opening
    reason = "error"
    try:
        await _say_what_is_unknown(log)
        bot = Bot(config, token, log, answering, following=following, feed=feed)
        started = BotStarted(
            release=f"{__version__} {platform.python_version()}", host=socket.gethostname(), pid=os.getpid()
        )
        await log.append(BOT_STREAM, (Draft(started),))
        async with bot.backups.of(location):
            await bot.serve(stopping)
        reason = "asked to"
    finally:
        with suppress(EcholessError):
            await log.append(BOT_STREAM, (Draft(BotStopped(reason=reason)),))
        await log.close()
        _log.info("bot.stopped", reason=reason)


async def _unless_stopped(opening: Coroutine[None, None, EventLog], stopping: asyncio.Event) -> EventLog | None:
    """Return the log once this process owns it, which may take for ever; None if the bot was stopped before."""
    _log.info("log.standby")
    task, stop = asyncio.create_task(opening, name="standby"), asyncio.create_task(stopping.wait(), name="stop")
    try:
        await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.wait((task,))
        return None if task.cancelled() else task.result()
    finally:
        stop.cancel()


def _say_what_is_migrated(size: int) -> None:
    """Say why the start takes longer than others."""
    _log.info("log.migrating", megabytes=round(size / 1e6, 1))


async def _say_what_is_unknown(log: EventLog) -> None:
    """Say what a newer release may have written that is skipped, because somebody accepted that."""
    if unknown := await log.reader.connection.run(forms.unknown):
        named = ", ".join(f"{name} v{form.v} of {form.release}" for name, form in sorted(unknown.items()))
        _log.warning("log.unknown", forms=named, hint="events of these forms are skipped, and kept")


def _say_what_is_answered(config: Config) -> None:
    if silent := why_silent(config):
        _log.warning("bot.silent", reason=silent)
        return
    _log.info("bot.answers", **answered(config))
    if unasked := why_unasked(config):
        _log.warning("model.unasked", reason=unasked)
