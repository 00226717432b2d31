"""What becomes of one channel's replies, put on record: sent, delayed, given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bot.backoff import backoff
from bot.conversations import Conversations
from bot.core.commands import NOTHING, Abandon, Confirm, Delay, NoteForeign, Spent
from bot.core.events import AbandonReason
from bot.core.fate import Finding, NotYet, Unknown, Verdict, judge_unrecorded
from bot.core.outbox import Pending
from bot.replies.knowledge import Knowledge
from bot.replies.notices import Notices

LONGEST_PAUSE = 60.0

_log = structlog.get_logger()


class Records:
    """Records how things went with replies of a channel; ``clock`` returns microseconds since the epoch."""

    def __init__(
        self,
        channel_id: int,
        conversations: Conversations,
        known: Knowledge,
        clock: Callable[[], int],
        notices: Notices | None = None,
    ) -> None:
        self._channel_id = channel_id
        self._conversations = conversations
        self._known = known
        self._clock = clock
        self._notices = notices

    def wait(self, entry: Pending) -> float:
        """Return the seconds until a delayed reply is due.

        Within a process that is measured on the loop's clock, which nobody can set back. After a restart the recorded
        time counts, but never for longer than the longest pause.
        """
        now = asyncio.get_running_loop().time()
        if entry.attempts and entry.message_id not in self._known.due:
            recorded = (entry.retry_at - self._clock()) / 1e6
            self._known.due[entry.message_id] = now + min(recorded, LONGEST_PAUSE)
        return self._known.due.get(entry.message_id, now) - now

    async def conclude(self, entry: Pending, verdict: Verdict) -> None:
        """Record what follows from what was found out about a reply, and know the rest of it."""
        self._known.shown.update(verdict.shown)
        for finding in verdict.findings:
            await self.record(entry, finding)
        if verdict.certain:
            self._known.certain.add(entry.message_id)

    async def record(self, entry: Pending, finding: Finding) -> None:
        """Record one thing that was found out about a reply."""
        match finding:
            case NotYet(reason, after) | Unknown(reason, after):
                await self.delay(entry, reason, after)
            case Abandon(_, reason, detail):
                await self.abandon(entry, reason, detail)
            case Confirm():
                if not await self._conversations.handle(self._channel_id, finding):
                    now = (await self._conversations.state(self._channel_id)).pending(entry.message_id)
                    if (lost := judge_unrecorded(now, finding)) is not None:
                        await self.record(entry, lost)
            case Delay(_, _, reason):
                await self._conversations.handle(self._channel_id, finding)
                _log.info("reply.unreferenced", channel=self._channel_id, message=entry.message_id, reason=reason)
            case NoteForeign():
                await self._conversations.handle(self._channel_id, finding)

    async def delay(self, entry: Pending, reason: str, after: float | None = None, spent: Spent = NOTHING) -> None:
        """Record that an attempt failed, and when the next one comes: after ``after`` seconds, or by and by."""
        attempt = entry.attempts + 1
        pause = backoff(attempt, LONGEST_PAUSE) if after is None else after
        await self._delayed(entry, reason, attempt, pause, spent)

    async def hold(self, entry: Pending, reason: str, pause: float, spent: Spent = NOTHING) -> None:
        """Have a reply wait for whoever writes it: that is no failed attempt, and recorded once."""
        self._known.due[entry.message_id] = asyncio.get_running_loop().time() + pause
        if not self._known.waits_for or spent != NOTHING:
            await self._delayed(entry, reason, entry.attempts, pause, spent)
        self._known.waits_for = reason

    async def _delayed(self, entry: Pending, reason: str, attempt: int, pause: float, spent: Spent) -> None:
        self._known.due[entry.message_id] = asyncio.get_running_loop().time() + pause
        retry_at = self._clock() + int(pause * 1e6)
        command = Delay(entry.message_id, entry.next_part or 0, reason, attempt, retry_at, spent)
        await self._conversations.handle(self._channel_id, command)
        _log.info("reply.delayed", channel=self._channel_id, message=entry.message_id, reason=reason, attempt=attempt)

    async def abandon(
        self,
        entry: Pending,
        reason: AbandonReason,
        detail: str = "",
        spent: Spent = NOTHING,
        *,
        refused: bool = False,
    ) -> None:
        """Record that what is left of a reply will not come, and tell whoever asked; ``refused``: the question was."""
        command = Abandon(entry.message_id, reason, detail, spent)
        new = await self._conversations.handle(self._channel_id, command)
        if new and self._notices is not None:
            state = await self._conversations.state(self._channel_id)
            self._notices.given_up(self._channel_id, state, entry, reason, refused=refused)
        _log.warning(
            "reply.abandoned", channel=self._channel_id, message=entry.message_id, reason=reason.value, detail=detail
        )
