"""Repair: show what is not sent and why, retry it or give it up, pause answers and resume them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.core import commands as c
from bot.core import events as e
from bot.core.outbox import Pending
from bot.core.streams import channel_of
from bot.moderation.command import ModerationError, Report
from bot.moderation.context import CommandContext
from bot.moderation.points import answered_by, known_head
from bot.moderation.text import count_text, printable, shortened
from bot.moderation.unreadable import found, skipped, skipped_lines
from bot.replies import repair
from bot.times import iso_time, span

AskAgain: TypeAlias = Callable[..., Awaitable[Sequence[e.Recorded]]]

MOST_SHOWN = 50
"""Unfinished replies that are listed; the count includes all."""

MOST_ABANDONED = 20
_LOOKED_AT = 500
_ANSWERED = frozenset({e.AbandonReason.TOGETHER, e.AbandonReason.ANSWERED_ELSEWHERE})


@dataclass(frozen=True, slots=True)
class _Unsent:
    channel_id: int
    message_id: int
    since: int
    reason: str
    detail: str = ""

    def to_text(self, now: int) -> str:
        why = f"{self.reason}{f' ({printable(self.detail)})' if self.detail else ''}"
        return shortened(f"channel {self.channel_id} message {self.message_id}, {span(now - self.since)}: {why}", 120)

    def to_json(self, now: int) -> dict[str, Any]:
        return {
            "channel_id": str(self.channel_id),
            "message_id": str(self.message_id),
            "since": iso_time(self.since),
            "age_us": now - self.since,
            "reason": self.reason,
            "detail": self.detail,
        }


async def pending(context: CommandContext, channel_id: int | None = None) -> Report:
    """List unfinished replies, the oldest first, and abandoned ones, the newest first."""
    if channel_id is not None:
        await known_head(context.reader, channel_id)
    now = context.clock()
    channels = [channel_id] if channel_id is not None else await _unfinished_channels(context)
    unfinished = sorted(
        [entry for channel in channels for entry in await _unfinished(context, channel)], key=lambda entry: entry.since
    )
    abandoned = await _abandoned(context, channel_id)
    hidden = len(unfinished) - MOST_SHOWN
    unread, unread_lines = await _unread(context, channel_id)
    return Report(
        f"{count_text(len(unfinished), 'unfinished reply', 'unfinished replies')} and {len(abandoned)} given up in "
        f"{'the whole log' if channel_id is None else f'channel {channel_id}'}",
        (
            *(entry.to_text(now) for entry in unfinished[:MOST_SHOWN]),
            *((f"and {hidden} more unfinished",) if hidden > 0 else ()),
            *(f"given up: {entry.to_text(now)}" for entry in abandoned),
            *(
                ("These are the newest given up; older ones are in the timeline.",)
                if len(abandoned) == MOST_ABANDONED
                else ()
            ),
            *unread_lines,
        ),
        {
            "unfinished": [entry.to_json(now) for entry in unfinished[:MOST_SHOWN]],
            "unfinished_count": len(unfinished),
            "abandoned": [entry.to_json(now) for entry in abandoned],
            "unreadable": unread,
        },
    )


async def retry(context: CommandContext, channel_id: int, message_id: int, *, by: str) -> Report:
    """Put an abandoned reply back into the outbox."""
    trigger, new = await _asked_again(context, repair.retry, channel_id, message_id, by)
    when = "It is tried now." if context.live() else "It is tried once the bot runs."
    return _done(f"The reply to message {trigger} is asked for again", channel_id, new, when, trigger)


async def again(context: CommandContext, channel_id: int, message_id: int, *, by: str) -> Report:
    """Have an answer composed anew; it replaces the current one in the same messages."""
    asked = await answered_by(context.reader, channel_id, message_id)
    request = (await repair.record_of(context.reader, channel_id, asked)).request
    if request is not None:
        context.require_budget(channel_id, request.responder)
    trigger, new = await _asked_again(context, repair.again, channel_id, message_id, by)
    when = "It is written now" if context.live() else "It is written once the bot runs"
    hint = f"{when}, into the same messages; until then they show the present answer."
    return _done(f"The answer to message {trigger} is composed anew", channel_id, new, hint, trigger)


async def _asked_again(
    context: CommandContext, ask: AskAgain, channel_id: int, message_id: int, by: str
) -> tuple[int, Sequence[e.Recorded]]:
    """Ask for a reply again; return the message that it answers, and the recorded events."""
    await known_head(context.reader, channel_id)
    owner = context.owned()
    trigger = await answered_by(context.reader, channel_id, message_id)
    try:
        new = await ask(owner.conversations, context.reader, channel_id, trigger, by=by)
    except repair.NothingToRetry as error:
        raise ModerationError(str(error)) from error
    if not new:
        raise ModerationError(f"The reply to message {trigger} is being tried already.")
    return trigger, new


async def drop(context: CommandContext, channel_id: int, message_id: int, *, by: str) -> Report:
    """Abandon an unfinished reply."""
    await known_head(context.reader, channel_id)
    conversations = context.owned().conversations
    trigger = await answered_by(context.reader, channel_id, message_id)
    new = await conversations.handle(channel_id, c.Abandon(trigger, e.AbandonReason.CANCELLED, by))
    if not new:
        raise ModerationError(f"Message {trigger} in channel {channel_id} has no unfinished reply.")
    hint = "A part that is on its way may still arrive; what is in Discord stays there."
    return _done(f"The reply to message {trigger} is given up", channel_id, new, hint, trigger)


async def pause(context: CommandContext, channel_id: int, *, by: str) -> Report:
    """Stop answering new messages in a channel; the log may not know the channel yet."""
    new = await context.owned().conversations.handle(channel_id, c.Record(e.RepliesPaused(by=by)))
    if not new:
        raise ModerationError(f"Replies are paused in channel {channel_id} already.")
    hint = "Messages are recorded as before; replies that are unfinished still come."
    return _done(f"Replies are paused in channel {channel_id}", channel_id, new, hint)


async def resume(context: CommandContext, channel_id: int, *, by: str) -> Report:
    """Answer new messages in a channel again."""
    await known_head(context.reader, channel_id)
    new = await context.owned().conversations.handle(channel_id, c.Record(e.RepliesResumed(by=by)))
    if not new:
        raise ModerationError(f"Replies are not paused in channel {channel_id}.")
    hint = "What was asked meanwhile stays unanswered."
    return _done(f"Replies go on in channel {channel_id}", channel_id, new, hint)


def _done(title: str, channel_id: int, new: Sequence[e.Recorded], hint: str, message_id: int | None = None) -> Report:
    data = {"channel_id": str(channel_id), "version": new[-1].version, "type": new[-1].event.TYPE}
    return Report(title, (hint,), data if message_id is None else data | {"message_id": str(message_id)})


async def _unread(context: CommandContext, channel_id: int | None) -> tuple[int, tuple[str, ...]]:
    """Return how many events can't be read in a channel or in the whole log, and a line that says so."""
    if channel_id is None:
        quarantine = await found(context.reader)
        return len(quarantine.events), skipped_lines(quarantine)
    count = (await context.state(channel_id)).unreadable
    return count, (f"unreadable: {skipped(count)}",) if count else ()


async def _unfinished_channels(context: CommandContext) -> list[int]:
    channels = [channel_of(stream) for stream in await context.reader.unfinished()]
    return [channel for channel in channels if channel is not None]


async def _unfinished(context: CommandContext, channel_id: int) -> list[_Unsent]:
    outbox = (await context.state(channel_id)).outbox
    newest = await context.reader.at(entry.cause_position for entry in outbox)
    causes = {recorded.position: recorded.event for recorded in newest}
    return [
        _Unsent(channel_id, entry.message_id, entry.requested_at, *_reason(entry, causes.get(entry.cause_position)))
        for entry in outbox
    ]


def _reason(entry: Pending, cause: e.Event | None) -> tuple[str, str]:
    parts = count_text(len(entry.sent_ids), "part")
    shown = sum(map(bool, entry.sent_ids))
    unwritten = f"being written, {count_text(shown, 'message')} shown" if entry.begun else "not written yet"
    stage = f"{shown} of {parts} sent" if entry.composed else unwritten
    if entry.unreadable:
        return stage, e.EVENT_UNREADABLE
    if isinstance(cause, e.ReplyDelayed):
        tried = f", {count_text(entry.attempts, 'failed attempt')}" if entry.attempts else ", waiting"
        return f"{stage}{tried}", cause.reason
    return stage, ""


async def _abandoned(context: CommandContext, channel_id: int | None) -> list[_Unsent]:
    """Return the newest abandoned replies that were not retried and that Discord does not show."""
    unsent: list[_Unsent] = []
    async for channel, when, event in repair.given_up(context.reader, channel_id, _LOOKED_AT):
        if event.reason in _ANSWERED or (await repair.record_of(context.reader, channel, event.message_id)).complete:
            continue
        unsent.append(_Unsent(channel, event.message_id, when, event.reason.value, event.detail))
        if len(unsent) == MOST_ABANDONED:
            break
    return unsent
