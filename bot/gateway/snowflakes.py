"""Discord's ids: numbers of 63 bits that contain their time."""

from __future__ import annotations

DISCORD_EPOCH_MS = 1_420_070_400_000
"""The first second of 2015 in milliseconds, where Discord's ids begin (docs: reference, snowflakes)."""

MOST = 2**63 - 1
"""The largest number that the log can hold. Discord's ids reach it in the year 2084."""


_MOST_DIGITS = len(str(MOST))


class NoSnowflake(ValueError):
    """A value that should be one of Discord's ids is not an id."""


def snowflake(value: object) -> int:
    """Return the id in a JSON value; raise NoSnowflake when it is not an id."""
    if isinstance(value, str) and len(value) <= _MOST_DIGITS and value.isascii() and value.isdigit():
        value = int(value)
    elif type(value) is not int:
        raise NoSnowflake
    if not 0 < value <= MOST:
        raise NoSnowflake
    return value


def snowflake_time(value: int) -> int:
    """Return the time in an id, in microseconds since the epoch."""
    return ((value >> 22) + DISCORD_EPOCH_MS) * 1000


def snowflake_at(moment: int) -> int:
    """Return the smallest id of a time in microseconds since the epoch."""
    return max(0, moment // 1000 - DISCORD_EPOCH_MS) << 22
