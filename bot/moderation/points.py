"""Points in a channel's history: a version, a message or a moment, in all forms in which people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from bot.core.events import KeyKind, ReplySent
from bot.core.streams import channel_of, stream_of
from bot.eventlog.reader import Reader
from bot.moderation.command import ModerationError
from bot.times import LONGEST, TooLong, iso_time, length_of, moment_of, parse_duration

SMALLEST_ID = 10**14
"""Numbers from here on are Discord's ids, smaller ones are versions: no channel has so many events."""

_LARGEST = 2**63 - 1
_ID = r"[0-9]{1,19}"
_PLACE = rf"<?https?://\S+/channels/(?:[0-9]{{1,20}}|@me)/(?P<channel>{_ID})"
_MESSAGE = re.compile(rf"{_PLACE}/(?P<message>{_ID})>?")
_CHANNEL = re.compile(rf"<#(?P<mention>{_ID})>|#?(?P<id>{_ID})|{_PLACE}(?:/{_ID})?/?>?")
_PERSON = re.compile(rf"<@!?(?P<mention>{_ID})>|@?(?P<id>{_ID})")

_ZONE = re.compile(r"(?<=[0-9])\s*(?:(?P<utc>Z|UTC)|(?P<offset>[+-][0-9]{2}:?[0-9]{2}))\Z", re.IGNORECASE)
_FRACTION = re.compile(r"[0-9]{2}[.,](?P<digits>[0-9]+)")


@dataclass(frozen=True, slots=True)
class Point:
    """A point that a person named: exactly one of version, message and moment; a link names its channel, too.

    A moment is in microseconds since the epoch, and the point includes ``covers`` microseconds: a time that is written
    to the millisecond means the whole millisecond.
    """

    version: int | None = None
    message_id: int | None = None
    moment: int | None = None
    channel_id: int | None = None
    covers: int = 1

    @property
    def upto(self) -> int | None:
        """Return the last microsecond of a moment."""
        return None if self.moment is None else self.moment + self.covers - 1

    def __str__(self) -> str:
        if self.version is not None:
            return str(self.version)
        if self.message_id is not None and self.channel_id is not None:
            return f"https://discord.com/channels/@me/{self.channel_id}/{self.message_id}"
        if self.moment is None:
            return str(self.message_id)
        digits = 6 - (len(str(self.covers)) - 1)
        return f"{iso_time(self.moment)[: 20 + digits]}Z"


def parse_point(text: str, now: int, zone: tzinfo = UTC) -> Point:
    """Read a version, a message's link or id, an age such as ``2h`` or ``10 minutes ago``, or an ISO time.

    ``now`` is in microseconds since the epoch, ``zone`` applies to times without a zone. ``str`` of the result is a
    text that means the same point at any time and in any zone. Raises ModerationError for any other text, and for times
    that ``zone`` has twice or not at all.
    """
    text = text.strip()
    point = _link(text) or _number(text) or _age(text, now) or _time(text, zone)
    if point is None:
        raise ModerationError(
            "That is no point in time: give a version, a message's link or id, how long ago (10m, 2 hours ago), "
            f"or a time like 2026-11-20 14:00 ({'UTC' if zone is UTC else 'local time; UTC with Z behind it'})."
        )
    return point


def parse_message(text: str) -> Point | None:
    """Read a message's link or id, of any size; None for any other text."""
    text = text.strip()
    number = natural(text)
    return Point(message_id=number) if number else _link(text)


def is_all(text: str) -> bool:
    """Tell whether a text stands for all messages that a command may be about."""
    return text.strip().lower() == "all"


def named_message(text: str | None, *, or_all: bool) -> int | None:
    """Return the message that a text names, or None if no text is given or, with ``or_all``, all messages are meant.

    Raises ModerationError for any other text.
    """
    if text is None or (or_all and is_all(text)):
        return None
    found = parse_message(text)
    if found is None or found.message_id is None:
        raise ModerationError("That is no message: give its link (Copy Message Link) or its id.")
    return found.message_id


def parse_channel(text: str) -> int | None:
    """Read a channel's id, mention (``<#id>``) or link, or a link to a message in it; None for any other text."""
    return _named(_CHANNEL.fullmatch(text.strip()), "mention", "id", "channel")


def parse_person(text: str) -> int | None:
    """Read a person's id or mention (``<@id>``); None for any other text."""
    return _named(_PERSON.fullmatch(text.strip()), "mention", "id")


def parse_server(text: str) -> int | None:
    """Read a server's id; None for any other text."""
    return natural(text.strip()) or None


async def version_of(reader: Reader, channel_id: int, text: str, now: int) -> int:
    """Return the version of a channel at the point in ``text``, in UTC; raise ModerationError if there is none."""
    return await version_at(reader, channel_id, parse_point(text, now))


async def version_at(reader: Reader, channel_id: int, point: Point) -> int:
    """Return the version of a channel at a point; raise ModerationError if there is none."""
    head = await known_head(reader, channel_id)
    if point.channel_id not in (None, channel_id):
        raise ModerationError(f"That link leads into channel {point.channel_id}, not into {channel_id}.")
    if point.version is not None and point.version > head:
        raise ModerationError(f"Channel {channel_id} is at version {head}: there is no version {point.version} yet.")
    if point.message_id is not None:
        return await _arrival(reader, channel_id, point.message_id)
    if point.upto is not None:
        return await reader.version_at(stream_of(channel_id), point.upto)
    return point.version or 0


async def known_head(reader: Reader, channel_id: int) -> int:
    """Return a channel's newest version; raise ModerationError if the log does not know the channel."""
    head = await reader.head(stream_of(channel_id))
    if not head:
        raise ModerationError(f"There is no channel {channel_id} in this log: nothing was ever recorded there.")
    return head


async def channel_with(reader: Reader, message_id: int) -> int:
    """Return the channel of any message, also of the bot's; raise ModerationError if the log does not know it."""
    channel_id = await channel_of_message(reader, message_id)
    if channel_id is None:
        raise ModerationError(f"Message {message_id} is not in this log.")
    return channel_id


async def channel_of_message(reader: Reader, message_id: int) -> int | None:
    """Return the channel of any message, also of the bot's, or None if the log does not know it."""
    found = await reader.message(message_id)
    return channel_of(found.stream) if found else None


async def answered_by(reader: Reader, channel_id: int, message_id: int) -> int:
    """Return the message that ``message_id`` answers if it is a reply of the bot, or else ``message_id`` itself."""
    sent = await reader.sent_as(stream_of(channel_id), message_id)
    return sent.event.message_id if sent and isinstance(sent.event, ReplySent) else message_id


def natural(text: str) -> int | None:
    """Read a whole number that can be an id or a version; None for any other text."""
    fits = text.isascii() and text.isdecimal() and len(text) <= len(str(_LARGEST)) and int(text) <= _LARGEST
    return int(text) if fits else None


async def _arrival(reader: Reader, channel_id: int, message_id: int) -> int:
    stream = stream_of(channel_id)
    received = await reader.find(stream, KeyKind.RECEIVED, message_id)
    if received:
        return received[0].version
    sent = await reader.sent_as(stream, message_id)
    if sent is None:
        raise ModerationError(f"Message {message_id} was never recorded in channel {channel_id}.")
    return sent.version


def _named(found: re.Match[str] | None, *groups: str) -> int | None:
    number = natural(next(filter(None, map(found.group, groups)))) if found else None
    return number or None


def _link(text: str) -> Point | None:
    found = _MESSAGE.fullmatch(text)
    message_id, channel_id = _named(found, "message"), _named(found, "channel")
    return Point(message_id=message_id, channel_id=channel_id) if message_id and channel_id else None


def _number(text: str) -> Point | None:
    number = natural(text)
    if number is None:
        return None
    return Point(message_id=number) if number >= SMALLEST_ID else Point(version=number)


def _age(text: str, now: int) -> Point | None:
    try:
        age = parse_duration(text.lower().removesuffix("ago"))
    except TooLong:
        raise ModerationError(f"That is too long ago: an age has at most {LONGEST.days} days.") from None
    except ValueError:
        return None
    return Point(moment=now - length_of(age))


def _time(text: str, zone: tzinfo) -> Point | None:
    written = _ZONE.search(text)
    local = text[: written.start()] if written else text
    try:
        moment = datetime.fromisoformat(local)
        if written is not None and moment.tzinfo is None:
            moment = datetime.fromisoformat(f"{moment.isoformat()}{written['offset'] or 'Z'}")
        elif written is not None:
            return None
    except ValueError:
        return None
    fraction = _FRACTION.search(local)
    digits = min(len(fraction["digits"]), 6) if fraction else 6
    return Point(moment=_since_epoch(moment, zone), covers=10 ** (6 - digits))


def _since_epoch(moment: datetime, zone: tzinfo) -> int:
    try:
        return moment_of(moment if moment.tzinfo is not None else _placed(moment, zone))
    except (ValueError, OverflowError, OSError):
        raise ModerationError(
            "That time is outside of the calendar, which goes from the year 1 to 9999 (UTC)."
        ) from None


def _placed(moment: datetime, zone: tzinfo) -> datetime:
    """Return a time in a zone; raise ModerationError if the zone's clocks show it twice or never."""
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    before, after = first.utcoffset() or timedelta(), second.utcoffset() or timedelta()
    if before == after:
        return first
    shown = moment.isoformat(sep=" ", timespec="auto" if moment.second or moment.microsecond else "minutes")
    if before > after:
        raise ModerationError(f"{shown} happens twice here: add {_offset(first)} or {_offset(second)}.")
    raise ModerationError(f"{shown} never happens here: the clocks skip it. Give another time, or one with its zone.")


def _offset(moment: datetime) -> str:
    return moment.replace(microsecond=0).isoformat()[19:]
