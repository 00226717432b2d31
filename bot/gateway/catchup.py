"""Reading channel history for messages missed while away, from the watermark on.

Messages are recorded oldest first, and each moves the watermark, so an interrupted catch-up goes on where it stopped.
Live messages of the channel are recorded as ``AHEAD`` meanwhile. Missed messages are always recorded; the decider says
whether they are answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import discord
import structlog

from bot.backoff import backoff
from bot.core.commands import Record
from bot.core.events import CatchupCompleted, CatchupStarted, HistoryForbidden, Via
from bot.errors import EcholessError
from bot.gateway.history import Page, page_of
from bot.gateway.incoming import Incoming, Unreadable, from_payload
from bot.gateway.intake import Intake
from bot.gateway.pacing import LONGEST_PAUSE
from bot.gateway.places import Place, may_read_history
from bot.gateway.reasons import reason
from bot.gateway.requests import UNREADABLE
from bot.gateway.snowflakes import snowflake_at
from bot.gateway.wiring import Bounds, Wiring

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Target:
    """A channel to complete; ``newest_id`` is its newest message's as Discord announced it (None: unknown)."""

    place: Place
    newest_id: int | None


@dataclass(slots=True)
class _Run:
    """One channel's catch-up under way."""

    after_id: int
    upto_id: int
    read: int = 0
    new: int = 0


class Catchup:
    """Completes channels, several at a time."""

    def __init__(self, client: discord.Client, bounds: Bounds) -> None:
        self._client = client
        self._bounds = bounds
        self._slots = asyncio.Semaphore(bounds.concurrency)
        self._underway: dict[int, tuple[asyncio.Task[None], int]] = {}
        self._again: dict[int, tuple[Target, Wiring, int]] = {}
        self._stopped = False

    def begin(self, target: Target, wiring: Wiring) -> None:
        """Complete a channel of a partition in the background, unless that is under way already.

        If the channel was doubted after the present run began, it is completed once more.
        """
        if self._stopped:
            return
        channel_id = target.place.channel_id
        doubts = wiring.sync.doubts(channel_id)
        if channel_id not in self._underway:
            self._launch(target, wiring, doubts)
        elif self._underway[channel_id][1] != doubts:
            self._again[channel_id] = (target, wiring, doubts)

    def stop(self) -> None:
        """Stop all runs; the next session completes these channels."""
        self._stopped = True
        self._again.clear()
        for task, _ in self._underway.values():
            task.cancel()

    def _launch(self, target: Target, wiring: Wiring, doubts: int) -> None:
        """Begin a run; ``doubts`` is the channel's count of doubts when Discord announced its newest message."""
        channel_id = target.place.channel_id
        completing = self._complete(target, wiring, doubts)
        task = asyncio.get_running_loop().create_task(completing, name=f"catchup {channel_id}")
        self._underway[channel_id] = (task, doubts)
        task.add_done_callback(lambda _: self._ended(channel_id))

    def _ended(self, channel_id: int) -> None:
        del self._underway[channel_id]
        again = self._again.pop(channel_id, None)
        if again is not None:
            # A session that began since then announced newer messages and asked once more.
            self._launch(*again)

    async def _complete(self, target: Target, wiring: Wiring, doubts: int) -> None:
        """Try until the channel is complete, or until trying again cannot help."""
        channel_id = target.place.channel_id
        for attempt in count(1):
            try:
                if await self._attempt(target, wiring) and wiring.sync.doubts(channel_id) == doubts:
                    wiring.sync.complete(channel_id)
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

    async def _attempt(self, target: Target, wiring: Wiring) -> bool:
        """Read the missing messages; tell whether all of them could be read."""
        channel_id = target.place.channel_id
        state = await wiring.conversations.state(channel_id)
        if not _has_news(target, state.watermark_id):
            return True
        try:
            async with self._slots:
                if _unnamed(target, state.watermark_id) and not (await self._page(channel_id, None)).messages:
                    # Most such channels are empty. The log does not need an event about each of them at every start.
                    return True
                if await self._read(target, wiring, state.watermark_id):
                    return True
        except (discord.Forbidden, discord.NotFound) as error:
            _log.debug("history.refused", channel=channel_id, code=error.code)
        if await wiring.conversations.handle(channel_id, Record(HistoryForbidden())):
            _log.warning("history.forbidden", channel=channel_id)
        return False

    async def _read(self, target: Target, wiring: Wiring, watermark_id: int) -> bool:
        """Record the messages in the history after the watermark; tell whether the history shows any."""
        channel_id = target.place.channel_id
        after_id = self._start(watermark_id, target.newest_id)
        run = _Run(after_id=after_id or 0, upto_id=max(watermark_id, target.newest_id or 0))
        await wiring.conversations.handle(channel_id, Record(CatchupStarted(after=run.after_id)))
        truncated = False
        async for page in self._pages(channel_id, after_id, target.newest_id):
            await self._take(target.place, wiring.intake, run, page.messages)
            if run.read >= self._bounds.max_messages:
                truncated = True
                await self._take(target.place, wiring.intake, run, (await self._page(channel_id, None)).messages)
                break
        if not run.read and not may_read_history(self._client, channel_id):
            return False
        completed = CatchupCompleted(after=run.after_id, upto=run.upto_id, count=run.new, truncated=truncated)
        await wiring.conversations.handle(channel_id, Record(completed))
        say = _log.info if run.new or truncated else _log.debug
        say("catchup.completed", channel=channel_id, read=run.read, new=run.new, truncated=truncated)
        return True

    def _start(self, watermark_id: int, newest_id: int | None) -> int | None:
        """Return the id after which to read, None for the newest page alone.

        An id holds its time, so the age limit is an id as well. If the channel's newest id is older than that, only the
        watermark counts.
        """
        floor_id = snowflake_at(self._bounds.clock() - self._bounds.max_age_us)
        if newest_id is not None and newest_id > floor_id:
            return max(watermark_id, floor_id)
        return watermark_id or (floor_id if newest_id is None else None)

    async def _pages(self, channel_id: int, after_id: int | None, newest_id: int | None) -> AsyncIterator[Page]:
        """Yield pages up to an empty one, or up to a short one that holds the newest id: any page may be cut."""
        while (page := await self._page(channel_id, after_id)).messages:
            yield page
            last_id = int(page.messages[-1]["id"])
            if after_id is None or (not page.full and last_id >= (newest_id or 0)):
                return
            after_id = last_id

    async def _page(self, channel_id: int, after_id: int | None) -> Page:
        return await page_of(self._client, channel_id, after_id)

    async def _take(self, place: Place, intake: Intake, run: _Run, page: list[Any]) -> None:
        """Record one page and wait until it is in the log."""
        own_id = self._client.user.id if self._client.user else 0
        oldest = self._bounds.clock() - self._bounds.max_age_us
        waiting: list[tuple[Incoming, asyncio.Future[Any]]] = []
        own: list[Incoming] = []
        for data in page:
            run.read += 1
            run.upto_id = max(run.upto_id, int(data["id"]))
            try:
                incoming = from_payload(data, own_id, guild_id=place.guild_id, client=self._client)
            except Unreadable:
                _log.error("message.unreadable", channel=place.channel_id, message=int(data["id"]))
                continue
            if incoming.sent_at < oldest and incoming.reply_to is None:
                continue
            if intake.may_be_ours(incoming, Via.CATCHUP):
                own.append(incoming)
            elif incoming.sent_at >= oldest:
                future = intake.message(incoming, place, Via.CATCHUP, own_id)
                waiting += [] if future is None else [(incoming, future)]
        await asyncio.gather(*(future for _, future in waiting))
        for incoming, future in waiting:
            if future.result():
                run.new += 1
            else:
                # It came live, ahead of this, and may have been edited while nobody listened.
                await intake.edited_unseen(incoming, place, own_id)
        for incoming in own:
            await intake.own(incoming, place, Via.CATCHUP)


def _has_news(target: Target, watermark_id: int) -> bool:
    """Tell whether there may be messages after the watermark; they may be where the newest id is unknown."""
    return target.newest_id is None or target.newest_id > watermark_id


def _unnamed(target: Target, watermark_id: int) -> bool:
    """Tell whether neither Discord nor the log names a message of this channel of a server."""
    return target.newest_id is None and not watermark_id and not target.place.direct
