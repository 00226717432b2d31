"""Points in a channel's history: a version, a message, a moment, however a person writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.conversations import stream_of
from bot.core.events import KeyKind, ReplySent
from bot.eventlog.reader import Reader
from bot.moderation.report import ModerationError
from bot.moderation.text import MICROSECONDS

SMALLEST_ID = 10**14
"""Plain numbers from here on are Discord's ids: no channel has so many events, and no message so small an id."""

_LARGEST = 2**63 - 1
_LINK = re.compile(r"<?https?://\S+/channels/(?:[0-9]{1,20}|@me)/(?P<channel>[0-9]{1,20})/(?P<message>[0-9]{1,20})>?")
_STEP = re.compile(
    r"(?P<count>[0-9]{1,9})\s*(?:(?P<d>d|days?)|(?P<h>h|hours?|hrs?)|(?P<m>m|min|mins|minutes?)|(?P<s>s|secs?|seconds?))"
    r"(?![a-z])\s*"
)
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class Point:
    """What a person named: exactly one of version, message and moment (microseconds); a link names its channel, too."""

    version: int | None = None
    message_id: int | None = None
    moment: int | None = None
    channel_id: int | None = None


def parse_point(text: str, now: int) -> Point:
    """Read a version, a message's link or id, an age such as ``2h`` or ``10 minutes ago``, or an ISO time.

    ``now`` in microseconds since the epoch; a time without an offset is UTC. Raises ModerationError for anything else.
    """
    text = text.strip()
    link = _LINK.fullmatch(text)
    if link:
        return Point(message_id=_id(link["message"]), channel_id=_id(link["channel"]))
    if text.isascii() and text.isdecimal() and int(text) <= _LARGEST:
        number = int(text)
        return Point(message_id=number) if number >= SMALLEST_ID else Point(version=number)
    moment = _age(text, now)
    if moment is None:
        moment = _iso(text)
    if moment is None:
        raise ModerationError(
            "That is no point in time: give a version, a message's link or id, how long ago (10m, 2 hours ago), "
            "or a time like 2026-11-20 14:00 (UTC)."
        )
    return Point(moment=moment)


async def version_of(reader: Reader, channel_id: int, text: str, now: int) -> int:
    """Return the version of a channel that a point names; raise ModerationError where there is none."""
    stream = stream_of(channel_id)
    head = await known_head(reader, channel_id)
    point = parse_point(text, now)
    if point.channel_id not in (None, channel_id):
        raise ModerationError(f"That link leads into channel {point.channel_id}, not into {channel_id}.")
    if point.version is not None and point.version > head:
        raise ModerationError(f"Channel {channel_id} is at version {head}: there is no version {point.version} yet.")
    if point.message_id is not None:
        return await _arrival(reader, channel_id, point.message_id)
    if point.moment is not None:
        return await reader.version_at(stream, point.moment)
    return point.version or 0


async def known_head(reader: Reader, channel_id: int) -> int:
    """Return a channel's newest version; raise ModerationError when the log does not know the channel."""
    head = await reader.head(stream_of(channel_id))
    if not head:
        raise ModerationError(f"There is no channel {channel_id} in this log: nothing was ever recorded there.")
    return head


async def answered_by(reader: Reader, channel_id: int, message_id: int) -> int:
    """Return the message that ``message_id`` answers where it is one of the bot's replies, else ``message_id``."""
    sent = await reader.sent_as(stream_of(channel_id), message_id)
    return sent.event.message_id if sent and isinstance(sent.event, ReplySent) else message_id


async def _arrival(reader: Reader, channel_id: int, message_id: int) -> int:
    stream = stream_of(channel_id)
    received = await reader.find(stream, KeyKind.RECEIVED, message_id)
    if received:
        return received[0].version
    sent = await reader.sent_as(stream, message_id)
    if sent is None:
        raise ModerationError(f"Message {message_id} was never recorded in channel {channel_id}.")
    return sent.version


def _id(text: str) -> int:
    return min(int(text), _LARGEST)


def _age(text: str, now: int) -> int | None:
    rest = text.lower().removesuffix("ago").strip()
    seconds = 0
    if not rest:
        return None
    while rest:
        step = _STEP.match(rest)
        if step is None:
            return None
        seconds += int(step["count"]) * _SECONDS[next(unit for unit in _SECONDS if step[unit])]
        rest = rest[step.end() :]
    return now - seconds * MICROSECONDS


def _iso(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return round(aware.timestamp() * MICROSECONDS)
    except (ValueError, OverflowError, OSError):
        return None
