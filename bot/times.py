"""Moments and lengths of time in whole microseconds, as the log has them, and as people write and read them.

A moment counts from the epoch, in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LONGEST = timedelta(days=36_500)
"""A hundred years: what is longer is a slip of the finger, and soon past the end of the calendar."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SHOWN = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"))
_STEP = re.compile(r"(?P<count>[0-9]+)(?:\.(?P<fraction>[0-9]{1,6}))?\s*(?P<unit>[a-z]+)\s*")
_NAMES = (
    (DAY, ("d", "day", "days")),
    (HOUR, ("h", "hr", "hrs", "hour", "hours")),
    (MINUTE, ("m", "min", "mins", "minute", "minutes")),
    (SECOND, ("s", "sec", "secs", "second", "seconds")),
    (SECOND // 1000, ("ms", "millisecond", "milliseconds")),
)
_UNITS: Mapping[str, int] = MappingProxyType({name: size for size, names in _NAMES for name in names})
"""Microseconds of each unit, by every name it goes by."""

_MOST_DIGITS = 18
"""Of a count: more than the longest duration has in any unit."""


class TooLong(ValueError):
    """A duration is longer than any that makes sense."""


def parse_duration(text: str) -> timedelta:
    """Read a duration: numbers with units, the largest unit first, only seconds with a decimal fraction.

    Raises TooLong beyond LONGEST, and ValueError for anything else.
    """
    rest, total, last = text.strip().lower(), 0, length_of(LONGEST)
    if not rest:
        raise ValueError
    while rest:
        step = _STEP.match(rest)
        size = _UNITS.get(step["unit"], 0) if step else 0
        if step is None or not 0 < size < last or (step["fraction"] and size != SECOND):
            raise ValueError
        digits = step["count"].lstrip("0")[: _MOST_DIGITS + 1]
        total += int(digits or "0") * size + int((step["fraction"] or "").ljust(6, "0"))
        rest, last = rest[step.end() :], size
    if total > length_of(LONGEST):
        raise TooLong
    return timedelta(microseconds=total)


def length_of(duration: timedelta) -> int:
    """Return a duration in microseconds."""
    return duration // _MICROSECOND


def moment_of(time: datetime) -> int:
    """Return the moment of a time; one without a zone is local.

    Raises ValueError, OverflowError or OSError for what lies, in UTC, outside of the years 1 to 9999.
    """
    return length_of(time.astimezone(UTC) - _EPOCH)


def utc(moment: int) -> datetime:
    """Return a moment as a time in UTC."""
    return _EPOCH + timedelta(microseconds=moment)


def iso_time(moment: int) -> str:
    """Return a moment as an ISO time in UTC, to the microsecond."""
    return utc(moment).isoformat(timespec="microseconds")


def utc_time(moment: int) -> str:
    """Return a moment as a time for people, to the millisecond: ``2026-11-23 13:41:45.394Z``."""
    return brief(iso_time(moment))


def brief(iso: str) -> str:
    """Return an ISO time as :func:`iso_time` writes it the way it is shown to eyes."""
    return f"{iso[:10]} {iso[11:23]}Z"


def span(length: int) -> str:
    """Return a length of time in its two largest units, such as ``3 min 20 s``; below a minute to the millisecond."""
    if length < MINUTE:
        return f"{max(length, 0) / SECOND:.3f} s"
    parts, left = [], round(length / SECOND) * SECOND
    for size, unit in _SHOWN:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
