"""While the log can't be written: hold messages, log why, keep trying, and catch up afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bot.conversations import MailboxFull
from bot.errors import EcholessError
from bot.eventlog.log import EventLog
from bot.gateway.sync import Sync

PROBE_SECONDS = 1.0

_log = structlog.get_logger()


class Healer:
    """Notes channels whose commands could not be recorded, and completes them once the log can be written again."""

    def __init__(self, log: EventLog, sync: Sync, complete: Callable[[frozenset[int]], None]) -> None:
        self._log = log
        self._sync = sync
        self._complete = complete
        self._channels: set[int] = set()
        self._task: asyncio.Task[None] | None = None
        self.trouble = ""

    def failed(self, channel_id: int, error: Exception) -> None:
        """Note a channel whose commands were not recorded. Call it before a later message of the channel is taken."""
        self._sync.doubt(channel_id)
        self._channels.add(channel_id)
        if not self.trouble:
            kind = "log.overloaded" if isinstance(error, MailboxFull) else "log.unwritable"
            _log.error(kind, reason=str(error) if isinstance(error, EcholessError) else type(error).__name__)
        self.trouble = str(error) if isinstance(error, EcholessError) else type(error).__name__
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._heal(), name="healing")

    def stop(self) -> None:
        """Stop trying."""
        if self._task is not None:
            self._task.cancel()

    async def _heal(self) -> None:
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            try:
                await self._log.probe()
            except EcholessError as error:
                self.trouble = str(error)
                continue
            channels, self._channels = frozenset(self._channels), set()
            self.trouble = ""
            _log.info("log.writable", channels=len(channels))
            self._complete(channels)
            return
