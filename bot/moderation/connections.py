"""How the bot kept up with Discord: its gateway sessions, and the catch-ups of channels, since a moment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bot.core.events import CatchupCompleted, GatewayLost, GatewayReady, GatewayResumed
from bot.core.streams import BOT_STREAM, channel_of
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader

SESSION = (GatewayReady.TYPE, GatewayResumed.TYPE, GatewayLost.TYPE)
"""The types of events that tell of the connection to the gateway."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """The gateway's sessions: how many began, were resumed, and broke."""

    began: int
    resumed: int
    lost: int


@dataclass(frozen=True, slots=True)
class Caught:
    """The catch-ups of one channel: how many, with how many new messages, when the last one ended (microseconds).

    ``truncated``: one of them left older messages out.
    """

    count: int
    messages: int
    last_at: int
    truncated: bool


async def sessions(reader: Reader, since: int | None = None) -> Sessions:
    """Return the sessions since a moment (microseconds since the epoch; None: all)."""
    query = Query(stream=BOT_STREAM, types=SESSION, since=since)
    found = [recorded async for recorded in reader.events(query)]
    kinds = [type(each.event) for each in found]
    began, resumed, lost = (kinds.count(kind) for kind in (GatewayReady, GatewayResumed, GatewayLost))
    return Sessions(began, resumed, lost)


async def catch_ups(
    reader: Reader, channels: Collection[int] | None = None, since: int | None = None
) -> dict[int, Caught]:
    """Return the catch-ups by channel, of ``channels`` (None: of all), since a moment; the last one's channel first."""
    found: dict[int, Caught] = {}
    async for recorded in reader.events(Query(types=(CatchupCompleted.TYPE,), since=since)):
        channel_id, event = channel_of(recorded.stream), recorded.event
        if channel_id is None or not isinstance(event, CatchupCompleted):
            continue
        if channels is not None and channel_id not in channels:
            continue
        known = found.get(channel_id, Caught(0, 0, 0, truncated=False))
        found[channel_id] = Caught(
            known.count + 1, known.messages + event.count, recorded.recorded_at, known.truncated or event.truncated
        )
    return dict(sorted(found.items(), key=lambda each: -each[1].last_at))
