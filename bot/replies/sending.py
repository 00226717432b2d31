"""Sends the parts of one channel's replies, looks for those of unknown fate, and records the outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog

from bot.backoff import backoff
from bot.core.beginning import FROM_BEFORE
from bot.core.buttons import Row
from bot.core.commands import NOTHING, Abandon, Confirm, Delay, Delete, NoteForeign, Spent
from bot.core.conversation import Conversation
from bot.core.delivery import still_next
from bot.core.events import EVENT_UNREADABLE, AbandonReason, Via
from bot.core.fate import (
    Finding,
    NotYet,
    Unknown,
    Verdict,
    doubtful,
    judge_edit,
    judge_look,
    judge_send,
    judge_unrecorded,
)
from bot.core.outbox import Pending
from bot.replies.context import ChannelContext
from bot.replies.reading import NoWords
from bot.replies.sender import LookFailed
from bot.replies.sightings import unclaimed
from bot.times import SECOND

LONGEST_PAUSE = 60.0

_log = structlog.get_logger()


class Sending:
    """Sends a channel's replies and records the outcomes, one request at a time."""

    def __init__(self, channel: ChannelContext) -> None:
        self._channel = channel
        self._known = channel.known

    async def texts(self, entry: Pending) -> tuple[str, ...]:
        """Return a composed reply as it is sent; raise NoWords when its text was erased or does not open."""
        parts = self._known.texts.get(entry.message_id) or await self._channel.shared.composer.parts(entry)
        return self._channel.shared.endings.marked(entry, parts)

    def row(self, entry: Pending, part: int) -> Row:
        """Return the buttons under a part of a composed reply."""
        return self._channel.shared.endings.row(entry) if part == len(entry.sent_ids) - 1 else ()

    async def send(self, entry: Pending, part: int) -> None:
        """Send a part, unless another reply has to go first, and record the outcome."""
        text, row = (await self.texts(entry))[part], self.row(entry, part)
        if not await self._is_next(entry):
            return
        # From here until the outcome is recorded, this part may be in Discord.
        self._known.certain.discard(entry.message_id)
        self._known.sending = True
        try:
            outcome = await self._channel.send(entry, part, text, partial(self._is_next, entry), row)
            await self.conclude(entry, judge_send(entry, part, text, outcome, row))
        finally:
            self._known.sending = False

    async def _is_next(self, entry: Pending) -> bool:
        """Tell whether a reply that is not under way is still next, after what was recorded meanwhile."""
        return still_next((await self._channel.state()).outbox, entry, self._known.certain)

    async def rewrite(self, entry: Pending, sent_id: int, text: str, row: Row = ()) -> None:
        """Edit a message to ``text`` and ``row``, or delete it if that is empty. Both can be repeated."""
        pace, sender = self._channel.shared.pace, self._channel.shared.sender
        wait = self._known.quiet_until - asyncio.get_running_loop().time()
        if wait > max(pace.every, LONGEST_PAUSE):
            # While the answer was written, this wait did not have to be recorded.
            await self.delay(entry, "rate limit", wait)
            return
        await asyncio.sleep(wait)
        await pace.turn()
        if text:
            outcome = await sender.edit(self._channel.id, sent_id, text, row)
        else:
            outcome = await sender.remove(self._channel.id, sent_id)
        self._known.quiet_until = asyncio.get_running_loop().time() + pace.every
        await self.conclude(entry, judge_edit(entry, sent_id, text, outcome, row))

    async def look(self, state: Conversation, entry: Pending) -> None:
        """Look once for all replies of the channel with unknown fate, because ``entry`` is next."""
        shared = self._channel.shared
        doubted = doubtful(state.outbox, self._known.certain)
        since_id, questions = min(each.since_id for each in doubted), [each.message_id for each in doubted if each.here]
        try:
            look = await shared.sender.look(self._channel.id, since_id, questions)
        except LookFailed as error:
            await self.delay(entry, str(error), error.after_seconds)
            return
        await self._look_above(doubted)
        for each in doubted:
            try:
                needed = each.composed and look.readable and not each.trigger_deleted
                texts = await self.texts(each) if needed else ()
            except NoWords as error:
                await self.abandon(each, error.reason, error.detail)
                continue
            seen = await unclaimed(shared.composer.reader, self._channel.id, each, texts, look) if each.posted else look
            now = await self._channel.state()
            await self.conclude(each, judge_look(now, each, texts, seen, shared.clock(), shared.beginning))

    async def _look_above(self, doubted: Sequence[Pending]) -> None:
        """Record the deletion of the question above a thread that was opened for the answer, if nobody told of it.

        A process that is killed before the thread is told leaves that to :mod:`bot.gateway.after_deletion`.
        """
        shared, thread_id = self._channel.shared, self._channel.id
        above = shared.composer.begins_in(thread_id)
        begun = any(each.plain and each.message_id == thread_id and not each.trigger_deleted for each in doubted)
        if above and begun and not await shared.sender.stands(above, thread_id):
            deletion = Delete(thread_id, Via.AUDIT)
            await shared.conversations.handle(above, deletion)
            await self._channel.handle(deletion)

    def wait(self, entry: Pending) -> float:
        """Return the seconds until a delayed reply is due.

        Within a process this is measured on the loop's clock, which can't be set back. After a restart the recorded
        time counts, but at most the longest pause.
        """
        now = asyncio.get_running_loop().time()
        if entry.attempts and entry.message_id not in self._known.due:
            recorded = (entry.retry_at - self._channel.shared.clock()) / SECOND
            self._known.due[entry.message_id] = now + min(recorded, LONGEST_PAUSE)
        return self._known.due.get(entry.message_id, now) - now

    def hurry(self, message_id: int) -> None:
        """Let a delayed reply be due at once."""
        if message_id in self._known.due:
            self._known.due[message_id] = asyncio.get_running_loop().time()

    async def conclude(self, entry: Pending, verdict: Verdict) -> None:
        """Record the findings of a verdict, and remember what else it says about the reply."""
        self._known.see(verdict.shown, verdict.rows)
        for finding in verdict.findings:
            await self._record(entry, finding)
        if verdict.certain:
            self._known.certain.add(entry.message_id)

    async def _record(self, entry: Pending, finding: Finding) -> None:
        """Record one finding about a reply."""
        match finding:
            case NotYet(reason, after) | Unknown(reason, after):
                await self.delay(entry, reason, after)
            case Abandon(_, reason, detail):
                await self.abandon(entry, reason, detail)
            case Confirm():
                if not await self._channel.handle(finding):
                    now = await self._channel.pending(entry.message_id)
                    if (lost := judge_unrecorded(now, finding)) is not None:
                        await self._record(entry, lost)
            case Delay(_, _, reason):
                await self._channel.handle(finding)
                _log.info("reply.unreferenced", channel=self._channel.id, message=entry.message_id, reason=reason)
            case NoteForeign() | Delete():
                await self._channel.handle(finding)

    async def delay(self, entry: Pending, reason: str, after: float | None = None, spent: Spent = NOTHING) -> None:
        """Record a failed attempt and the time of the next one: after ``after`` seconds, or by the usual back-off."""
        attempt = entry.attempts + 1
        pause = backoff(attempt, LONGEST_PAUSE) if after is None else after
        await self._delayed(entry, reason, attempt, pause, spent)

    async def hold(self, entry: Pending, reason: str, pause: float, spent: Spent = NOTHING) -> None:
        """Have a reply wait for its responder. This is recorded once and does not count as a failed attempt."""
        self._known.due[entry.message_id] = asyncio.get_running_loop().time() + pause
        if not self._known.waits_for or spent != NOTHING:
            await self._delayed(entry, reason, entry.attempts, pause, spent)
        self._known.waits_for = reason

    async def _delayed(self, entry: Pending, reason: str, attempt: int, pause: float, spent: Spent) -> None:
        self._known.due[entry.message_id] = asyncio.get_running_loop().time() + pause
        retry_at = self._channel.shared.clock() + int(pause * SECOND)
        command = Delay(entry.message_id, entry.next_part or 0, reason, attempt, retry_at, spent)
        await self._channel.handle(command)
        _log.info("reply.delayed", channel=self._channel.id, message=entry.message_id, reason=reason, attempt=attempt)

    async def abandon(
        self,
        entry: Pending,
        reason: AbandonReason,
        detail: str = "",
        spent: Spent = NOTHING,
        *,
        refused: bool = False,
    ) -> None:
        """Record that the rest of a reply will not come, and tell the asker; ``refused``: the question was refused."""
        command = Abandon(entry.message_id, reason, detail, spent)
        new = await self._channel.handle(command)
        if new and detail not in (FROM_BEFORE, EVENT_UNREADABLE):
            # Of those nobody knows whether they were answered.
            state = await self._channel.state()
            self._channel.shared.notices.given_up(self._channel.id, state, entry, reason, refused=refused)
        _log.warning(
            "reply.abandoned", channel=self._channel.id, message=entry.message_id, reason=reason.value, detail=detail
        )
