"""While the log can't be written, or a channel can't be read: hold messages, say why, keep trying, then catch up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog

from bot.conversations import MailboxFull
from bot.errors import EcholessError, LogDamaged, LogUnreadable
from bot.eventlog.log import EventLog
from bot.gateway.sync import Sync

PROBE_SECONDS = 1.0
LONGEST_PAUSE = 60.0
"""Seconds between two tries to read a channel, after some that failed."""

_log = structlog.get_logger()


class Healer:
    """Notes channels whose commands could not be recorded, and completes them once they can be.

    ``trouble`` is why the log can't be written ("": it can). ``load`` loads a channel, and raises while it can't be
    read; ``unread`` says of each such channel why. A fault in reading one channel is none of the others'.
    """

    def __init__(
        self,
        log: EventLog,
        sync: Sync,
        complete: Callable[[frozenset[int]], None],
        load: Callable[[int], Awaitable[object]],
    ) -> None:
        self._log = log
        self._sync = sync
        self._complete = complete
        self._load = load
        self._channels: set[int] = set()
        self._task: asyncio.Task[None] | None = None
        self._reading: dict[int, asyncio.Task[None]] = {}
        self._tries: Counter[int] = Counter()
        self.trouble = ""
        self.unread: dict[int, str] = {}

    def failed(self, channel_id: int, error: Exception) -> None:
        """Note a channel whose commands were not recorded. Call it before a later message of the channel is taken."""
        self._sync.doubt(channel_id)
        if isinstance(error, LogUnreadable | LogDamaged):
            self._cannot_read(channel_id, error)
            return
        self._channels.add(channel_id)
        if not self.trouble:
            kind = "log.overloaded" if isinstance(error, MailboxFull) else "log.unwritable"
            _log.error(kind, reason=str(error) if isinstance(error, EcholessError) else type(error).__name__)
        self.trouble = str(error) if isinstance(error, EcholessError) else type(error).__name__
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._heal(), name="healing")

    def stop(self) -> None:
        """Stop trying."""
        for task in (self._task, *self._reading.values()):
            if task is not None:
                task.cancel()

    def _cannot_read(self, channel_id: int, error: EcholessError) -> None:
        if channel_id not in self.unread:
            _log.error("log.unreadable", channel=channel_id, reason=str(error))
            task = asyncio.get_running_loop().create_task(self._read(channel_id), name=f"reading {channel_id}")
            self._reading[channel_id] = task
        self.unread[channel_id] = str(error)

    async def _read(self, channel_id: int) -> None:
        """Try to read a channel until that works, more and more rarely, also if it has failed before."""
        while channel_id in self.unread:
            await asyncio.sleep(min(PROBE_SECONDS * 2 ** self._tries[channel_id], LONGEST_PAUSE))
            self._tries[channel_id] = min(self._tries[channel_id] + 1, 10)
            try:
                # After a commit, the reading connection reads from the disk again, and not from its memory.
                await self._log.probe()
                await self._load(channel_id)
            except EcholessError:
                continue
            del self.unread[channel_id], self._reading[channel_id]
            _log.info("log.readable", channel=channel_id)
            self._complete(frozenset((channel_id,)))

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
