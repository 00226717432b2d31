"""What becomes of one channel's replies, put on record: sent, delayed, given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bot.backoff import backoff
from bot.conversations import Conversations
from bot.core.commands import NOTHING, Abandon, Confirm, Delay, Spent
from bot.core.events import AbandonReason, Proof
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

    async def confirm(self, entry: Pending, part: int, sent_id: int, proof: Proof) -> None:
        """Record that a part is in Discord, or give the reply up where the log knows another message for it."""
        command = Confirm(entry.message_id, part, sent_id, proof, entry.generation)
        if await self._conversations.handle(self._channel_id, command):
            return
        now = (await self._conversations.state(self._channel_id)).pending(entry.message_id)
        if now is not None and part < len(now.sent_ids) and not now.sent_ids[part]:
            # Nothing would ever tell that it is sent: it would be sent again and again.
            await self.abandon(entry, AbandonReason.GONE_AFTER_SEND, "taken for another part")

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

    async def unreference(self, entry: Pending, reason: str) -> None:
        """Record that the rest of a reply is sent without a reference, before it is: later looks go by that."""
        command = Delay(entry.message_id, entry.next_part or 0, reason, entry.attempts, entry.retry_at, plain=True)
        await self._conversations.handle(self._channel_id, command)
        _log.info("reply.unreferenced", channel=self._channel_id, message=entry.message_id, reason=reason)

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
