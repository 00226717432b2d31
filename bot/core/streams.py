"""The names of the log's streams.

Old servers have a channel with the same id as the server, so the kind is part of the name.
"""

from __future__ import annotations

import re

BOT_STREAM = "bot"
"""The stream of events that belong to no channel and no server."""
EFFECTS_STREAM = "effects"
"""The stream of effects. There is one, so that the log itself takes a caller's key once."""
_CHANNEL, _GUILD, _OWN = "channel:", "guild:", "own:"
_MOST_DIGITS = 19
"""Of an id of 63 bits."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}")
_TAKEN = (_CHANNEL, _GUILD, _OWN)
OWN_STREAM_RULE = (
    "a name of up to 100 letters, digits and any of _ . : / -, which begins with a letter or a digit, and not with "
    f"{', '.join(_TAKEN[:-1])} or {_TAKEN[-1]}"
)
"""What the name of a program's own stream has to be."""


def stream_of(channel_id: int) -> str:
    """Return the name of the stream of a channel, thread or DM."""
    return f"{_CHANNEL}{channel_id}"


def channel_of(stream: str) -> int | None:
    """Return the channel of a stream, or None when it is not a channel's."""
    return _numbered(stream, _CHANNEL)


def guild_stream(guild_id: int) -> str:
    """Return the name of the stream of a server."""
    return f"{_GUILD}{guild_id}"


def guild_of(stream: str) -> int | None:
    """Return the server of a stream, or None when it is not a server's."""
    return _numbered(stream, _GUILD)


def own_stream(name: str) -> str | None:
    """Return the name under which the log keeps a program's own stream, or None for a name that is none.

    A stream of the log's own is never one: who names a channel's means another thing.
    """
    fits = _NAME.fullmatch(name) is not None and not name.startswith(_TAKEN) and name != BOT_STREAM
    return f"{_OWN}{name}" if fits else None


def _numbered(stream: str, prefix: str) -> int | None:
    number = stream.removeprefix(prefix)
    written = number != stream and number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS
    return int(number) if written else None
