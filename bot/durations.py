"""Lengths of time as people write them: ``1h30m``, ``250ms``, ``1 day 2 hours``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

LONGEST = timedelta(days=36_500)
"""A hundred years: what is longer is a slip of the finger, and soon past the end of the calendar."""

_STEP = re.compile(r"(?P<count>[0-9]+)(?:\.(?P<fraction>[0-9]{1,6}))?\s*(?P<unit>[a-z]+)\s*")
_NAMES = (
    (86_400_000_000, ("d", "day", "days")),
    (3_600_000_000, ("h", "hr", "hrs", "hour", "hours")),
    (60_000_000, ("m", "min", "mins", "minute", "minutes")),
    (1_000_000, ("s", "sec", "secs", "second", "seconds")),
    (1_000, ("ms", "millisecond", "milliseconds")),
)
_UNITS: Mapping[str, int] = MappingProxyType({name: size for size, names in _NAMES for name in names})
"""Microseconds of each unit, by every name it goes by."""

_SECOND = _UNITS["s"]
_MOST_DIGITS = 18
"""Of a count: more than the longest duration has in any unit."""


class TooLong(ValueError):
    """A duration is longer than any that makes sense."""


def parse_duration(text: str) -> timedelta:
    """Read a duration: numbers with units, the largest unit first, only seconds with a decimal fraction.

    Raises TooLong beyond LONGEST, and ValueError for anything else.
    """
    rest, total, last = text.strip().lower(), 0, LONGEST // timedelta(microseconds=1)
    if not rest:
        raise ValueError
    while rest:
        step = _STEP.match(rest)
        size = _UNITS.get(step["unit"], 0) if step else 0
        if step is None or not 0 < size < last or (step["fraction"] and size != _SECOND):
            raise ValueError
        digits = step["count"].lstrip("0")[: _MOST_DIGITS + 1]
        total += int(digits or "0") * size + int((step["fraction"] or "").ljust(6, "0"))
        rest, last = rest[step.end() :], size
    if total > LONGEST // timedelta(microseconds=1):
        raise TooLong
    return timedelta(microseconds=total)
