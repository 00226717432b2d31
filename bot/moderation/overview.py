"""All conversations of a log: where they are, how much was recorded, when the last time, what waits, what is wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.core.conversation import Conversation
from bot.core.events import POSTED, KeyKind, MessagePosted, ThreadSeen
from bot.core.streams import BOT_STREAM, channel_of, stream_of
from bot.eventlog.reader import Reader
from bot.moderation.context import CommandContext
from bot.moderation.text import count_text

CHANNELS = stream_of(0).removesuffix("0")
"""With what the names of all channels' streams begin."""
NEAR = 1000
"""Events that are folded to tell how a conversation is."""


class PlaceKind(StrEnum):
    """What a conversation is in."""

    CHANNEL = "channel"
    THREAD = "thread"
    DIRECT = "direct message"


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in the log. ``last_at`` is when its newest event was recorded, in microseconds.

    ``guild_id`` is None in direct messages and where the log does not tell, ``parent_id`` is 0 outside of threads.
    """

    channel_id: int
    kind: PlaceKind
    guild_id: int | None
    parent_id: int
    events: int
    last_at: int


@dataclass(frozen=True, slots=True)
class Condition:
    """How a conversation is: messages and answers in all, replies that wait, and what is wrong, in words."""

    messages: int
    answers: int
    pending: int
    trouble: Sequence[str]


async def conversations_in(context: CommandContext) -> list[Listed]:
    """Return every conversation, the one with the newest event first."""
    reader = context.reader
    newest = await reader.newest_each(CHANNELS)
    posted = {each.stream: each.event for each in await reader.newest_each(CHANNELS, [each.TYPE for each in POSTED])}
    threads, direct = await _threads(reader), await _direct(reader)
    found = []
    for each in newest:
        channel_id, event = channel_of(each.stream), posted.get(each.stream)
        if channel_id is None:
            continue
        around = context.around(channel_id)
        guild_id = event.guild_id if isinstance(event, MessagePosted) else around.guild_id
        parent_id = threads.get(channel_id, 0) or around.parent_id or 0
        kind = PlaceKind.THREAD if parent_id else PlaceKind.DIRECT if channel_id in direct else PlaceKind.CHANNEL
        found.append(Listed(channel_id, kind, guild_id, parent_id, each.version, each.recorded_at))
    return sorted(found, key=lambda each: each.last_at, reverse=True)


async def _threads(reader: Reader) -> Mapping[int, int]:
    """Return the channel of each thread that the log knows."""
    seen = [each.event for each in await reader.find(BOT_STREAM, KeyKind.THREAD)]
    return {each.channel_id: each.parent_id for each in seen if isinstance(each, ThreadSeen)}


async def _direct(reader: Reader) -> Collection[int]:
    """Return the private channels that the log knows."""
    opened = [each.event.key() for each in await reader.find(BOT_STREAM, KeyKind.DM_OPENED)]
    return {key.id for key in opened if key is not None}


async def condition_of(context: CommandContext, channel_id: int) -> Condition | None:
    """Return how a conversation is now; None where that would take long, because no snapshot is near."""
    if await context.reader.to_fold(stream_of(channel_id)) > NEAR:
        return None
    state = await context.state(channel_id)
    return Condition(state.received + state.imported, state.sent, len(state.outbox), tuple(_trouble(state)))


def _trouble(state: Conversation) -> list[str]:
    failing = max((entry.attempts for entry in state.outbox), default=0)
    said = (
        (state.deleted, "deleted in Discord"),
        (state.paused, "paused"),
        (state.history_forbidden, "its history may not be read"),
        (state.unreadable, f"{count_text(state.unreadable, 'event')} can't be read"),
        (failing, f"a reply waits after {count_text(failing, 'failed attempt')}"),
        (state.abandoned, f"{count_text(state.abandoned, 'reply', 'replies')} given up"),
    )
    return [words for holds, words in said if holds]
