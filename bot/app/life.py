"""The beginning and the end of a process that owns a log, as the log tells them."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bot import __version__
from bot.core.events import BotStarted, BotStopped, Draft
from bot.core.streams import BOT_STREAM
from bot.errors import EcholessError
from bot.eventlog.log import EventLog


@asynccontextmanager
async def alive(log: EventLog) -> AsyncIterator[None]:
    """Record the beginning and the end of the context in a log."""
    reason = "error"
    try:
        started = BotStarted(
            release=f"{__version__} {platform.python_version()}", host=socket.gethostname(), pid=os.getpid()
        )
        await log.append(BOT_STREAM, (Draft(started),))
        yield
        reason = "asked to"
    finally:
        with suppress(EcholessError):
            await log.append(BOT_STREAM, (Draft(BotStopped(reason=reason)),))
