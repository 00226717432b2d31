"""Retry, with one command, all replies that an outage left unanswered: one of the model, or of Discord."""

from __future__ import annotations

from contextlib import suppress

from bot.core import events as e
from bot.core.events import KeyKind
from bot.core.streams import stream_of
from bot.moderation.command import ModerationError, Report
from bot.moderation.context import CommandContext
from bot.moderation.points import known_head
from bot.moderation.repair import retry as retry_one
from bot.moderation.text import count_text
from bot.replies import repair
from bot.responders.protocol import WAITS

MOST_RETRIED = 500
_LOOKED_AT = 5000
_GIVEN_UP = frozenset({e.AbandonReason.EXPIRED, e.AbandonReason.GAVE_UP})
_UNREADABLE = frozenset({e.EVENT_UNREADABLE, e.WORDS_UNREADABLE})


async def retry(context: CommandContext, channel_id: int | None, message_id: int | None, *, by: str) -> Report:
    """Put an abandoned reply back into the outbox or, without ``message_id``, all that an outage left."""
    if message_id is None:
        return await _retry_all(context, channel_id, by=by)
    if channel_id is None:
        raise ModerationError("Say in which channel the message is.")
    return await retry_one(context, channel_id, message_id, by=by)


async def _retry_all(context: CommandContext, channel_id: int | None, *, by: str) -> Report:
    """Put all replies that an outage left back into the outbox, in the order of the questions."""
    if channel_id is not None:
        await known_head(context.reader, channel_id)
    owner, asked = context.owned(), 0
    left = await _left(context, channel_id)
    for channel, message_id in sorted(left):
        # A reply is left alone if it was sent meanwhile, is already in progress, or answers a command.
        with suppress(repair.NothingToRetry):
            asked += bool(await repair.retry(owner.conversations, context.reader, channel, message_id, by=by))
    where = "the whole log" if channel_id is None else f"channel {channel_id}"
    title = f"{count_text(asked, 'reply is', 'replies are')} asked for again in {where}"
    when = "They are tried now." if context.live() else "They are tried once the bot runs."
    none = "Nothing was given up because somebody was away."
    more = ("There may be more: use the command again.",) if len(left) == MOST_RETRIED else ()
    return Report(title, ((when if asked else none), *more), {"retried": asked})


async def _left(context: CommandContext, channel_id: int | None) -> list[tuple[int, int]]:
    """Return channel and message of the newest replies that an outage left and that nobody has retried."""
    found: list[tuple[int, int]] = []
    async for channel, _, event in repair.given_up(context.reader, channel_id, _LOOKED_AT):
        if _by_outage(event) and not await context.reader.find(stream_of(channel), KeyKind.DELETED, event.message_id):
            found.append((channel, event.message_id))
        if len(found) == MOST_RETRIED:
            break
    return found


def _by_outage(event: e.ReplyAbandoned) -> bool:
    """Tell whether a reply was abandoned because of an outage, and not because of its question."""
    if event.detail in _UNREADABLE:
        return False
    return event.reason in _GIVEN_UP or (
        event.reason is e.AbandonReason.POISON and any(trouble in event.detail for trouble in WAITS)
    )
