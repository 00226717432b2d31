"""Reading channel history for messages missed while away, from the watermark on.

Messages are recorded oldest first, and each moves the watermark, so an interrupted catch-up goes on where it stopped.
Live messages of the channel are recorded as ``AHEAD`` meanwhile. Missed messages are always recorded; the decider says
whether they are answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import discord
import structlog

from bot.backoff import backoff
from bot.conversations import Conversations
from bot.core.commands import Record
from bot.core.events import Author, CatchupCompleted, CatchupStarted, HistoryForbidden, Via
from bot.errors import EcholessError
from bot.gateway.history import Page, page_of
from bot.gateway.incoming import Incoming, Unreadable, from_payload
from bot.gateway.intake import Intake
from bot.gateway.pacing import LONGEST_PAUSE
from bot.gateway.places import Place, may_read_history
from bot.gateway.reasons import reason
from bot.gateway.requests import UNREADABLE
from bot.gateway.snowflakes import snowflake_at
from bot.gateway.sync import Sync

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far back a catch-up goes, and how many channels at a time; ``clock`` returns microseconds."""

    max_age: timedelta
    max_messages: int
    concurrency: int
    clock: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Target:
    """A channel to complete; ``newest`` is its newest message's id as Discord announced it (None: unknown)."""

    place: Place
    newest: int | None


@dataclass(slots=True)
class _Run:
    """One channel's catch-up under way."""

    after: int
    upto: int
    read: int = 0
    new: int = 0


class Catchup:
    """Completes channels, several at a time."""

    def __init__(
        self,
        client: discord.Client,
        *,
        conversations: Conversations,
        intake: Intake,
        sync: Sync,
        bounds: Bounds,
    ) -> None:
        self._client = client
        self._conversations = conversations
        self._intake = intake
        self._sync = sync
        self._bounds = bounds
        self._slots = asyncio.Semaphore(bounds.concurrency)
        self._underway: dict[int, tuple[asyncio.Task[None], int]] = {}
        self._again: dict[int, tuple[Target, int]] = {}
        self._stopped = False

    def begin(self, target: Target) -> None:
        """Complete a channel in the background, unless that is under way already.

        If the channel was doubted after the present run began, it is completed once more.
        """
        if self._stopped:
            return
        channel_id = target.place.channel_id
        doubts = self._sync.doubts(channel_id)
        if channel_id not in self._underway:
            self._launch(target, doubts)
        elif self._underway[channel_id][1] != doubts:
            self._again[channel_id] = (target, doubts)

    def stop(self) -> None:
        """Stop all runs; the next session completes these channels."""
        self._stopped = True
        self._again.clear()
        for task, _ in self._underway.values():
            task.cancel()

    def _launch(self, target: Target, doubts: int) -> None:
        """Begin a run; ``doubts`` is the channel's count of doubts when Discord announced its newest message."""
        channel_id = target.place.channel_id
        task = asyncio.get_running_loop().create_task(self._complete(target, doubts), name=f"catchup {channel_id}")
        self._underway[channel_id] = (task, doubts)
        task.add_done_callback(lambda _: self._ended(channel_id))

    def _ended(self, channel_id: int) -> None:
        del self._underway[channel_id]
        again = self._again.pop(channel_id, None)
        if again is not None:
            # A session that began since then announced newer messages and asked once more.
            self._launch(*again)

    async def _complete(self, target: Target, doubts: int) -> None:
        """Try until the channel is complete, or until trying again cannot help."""
        channel_id = target.place.channel_id
        for attempt in count(1):
            try:
                if await self._attempt(target) and self._sync.doubts(channel_id) == doubts:
                    self._sync.complete(channel_id)
            except EcholessError as error:
                # The watermark stays, and live messages come AHEAD of it, until the log takes events again.
                _log.warning("catchup.failed", channel=channel_id, error=type(error).__name__)
            except discord.RateLimited as error:
                await asyncio.sleep(error.retry_after)
                continue
            except UNREADABLE as error:
                if self._client.is_closed():
                    return
                _log.warning("catchup.failed", channel=channel_id, reason=reason(error), attempt=attempt)
                await asyncio.sleep(backoff(attempt, LONGEST_PAUSE))
                continue
            return

    async def _attempt(self, target: Target) -> bool:
        """Read the missing messages; tell whether all of them could be read."""
        channel_id = target.place.channel_id
        state = await self._conversations.state(channel_id)
        if not _has_news(target, state.watermark):
            return True
        try:
            async with self._slots:
                if _unnamed(target, state.watermark) and not (await self._page(channel_id, None)).messages:
                    # Most such channels are empty. The log does not need an event about each of them at every start.
                    return True
                if await self._read(target, state.watermark):
                    return True
        except (discord.Forbidden, discord.NotFound) as error:
            _log.debug("history.refused", channel=channel_id, code=error.code)
        if await self._conversations.handle(channel_id, Record(HistoryForbidden())):
            _log.warning("history.forbidden", channel=channel_id)
        return False

    async def _read(self, target: Target, watermark: int) -> bool:
        """Record the messages in the history after the watermark; tell whether the history shows any."""
        channel_id = target.place.channel_id
        after = self._start(watermark, target.newest)
        run = _Run(after=after or 0, upto=max(watermark, target.newest or 0))
        await self._conversations.handle(channel_id, Record(CatchupStarted(after=run.after)))
        truncated = False
        async for page in self._pages(channel_id, after, target.newest):
            await self._take(target.place, run, page.messages)
            if run.read >= self._bounds.max_messages:
                truncated = True
                await self._take(target.place, run, (await self._page(channel_id, None)).messages)
                break
        if not run.read and not may_read_history(self._client, channel_id):
            return False
        completed = CatchupCompleted(after=run.after, upto=run.upto, count=run.new, truncated=truncated)
        await self._conversations.handle(channel_id, Record(completed))
        say = _log.info if run.new or truncated else _log.debug
        say("catchup.completed", channel=channel_id, read=run.read, new=run.new, truncated=truncated)
        return True

    def _start(self, watermark: int, newest: int | None) -> int | None:
        """Return the id after which to read, None for the newest page alone.

        An id holds its time, so the age limit is an id as well. If the channel's newest id is older than that, only the
        watermark counts.
        """
        floor = snowflake_at(self._bounds.clock() - int(self._bounds.max_age / timedelta(microseconds=1)))
        if newest is not None and newest > floor:
            return max(watermark, floor)
        return watermark or (floor if newest is None else None)

    async def _pages(self, channel_id: int, after: int | None, newest: int | None) -> AsyncIterator[Page]:
        """Yield pages up to an empty one, or up to a short one that holds the newest id: any page may be cut."""
        while (page := await self._page(channel_id, after)).messages:
            yield page
            last = int(page.messages[-1]["id"])
            if after is None or (not page.full and last >= (newest or 0)):
                return
            after = last

    async def _page(self, channel_id: int, after: int | None) -> Page:
        return await page_of(self._client, channel_id, after)

    async def _take(self, place: Place, run: _Run, page: list[Any]) -> None:
        """Record one page and wait until it is in the log."""
        own_id = self._client.user.id if self._client.user else 0
        oldest = self._bounds.clock() - self._bounds.max_age / timedelta(microseconds=1)
        waiting: list[asyncio.Future[Any]] = []
        own: list[Incoming] = []
        for data in page:
            run.read += 1
            run.upto = max(run.upto, int(data["id"]))
            try:
                incoming = from_payload(data, own_id, guild_id=place.guild_id)
            except Unreadable:
                _log.error("message.unreadable", channel=place.channel_id, message=int(data["id"]))
                continue
            if incoming.author is Author.SELF and incoming.reply_to is not None:
                own.append(incoming)
            elif incoming.sent_at >= oldest:
                future = self._intake.message(incoming, place, Via.CATCHUP, own_id)
                waiting += [] if future is None else [future]
        for recorded in await asyncio.gather(*waiting):
            run.new += bool(recorded)
        for incoming in own:
            await self._intake.own(incoming)


def _has_news(target: Target, watermark: int) -> bool:
    """Tell whether there may be messages after the watermark; they may be where the newest id is unknown."""
    return target.newest is None or target.newest > watermark


def _unnamed(target: Target, watermark: int) -> bool:
    """Tell whether neither Discord nor the log names a message of this channel of a server."""
    return target.newest is None and not watermark and not target.place.direct
