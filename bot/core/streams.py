"""The names of the log's streams.

Old servers have a channel with the same id as the server, so the kind is part of the name.
"""

from __future__ import annotations

BOT_STREAM = "bot"
"""The stream of events that belong to no channel and no server."""
EFFECTS_STREAM = "effects"
"""The stream of effects. There is one, so that the log itself takes a caller's key once."""
_CHANNEL, _GUILD = "channel:", "guild:"
_MOST_DIGITS = 19
"""Of an id of 63 bits."""


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


def _numbered(stream: str, prefix: str) -> int | None:
    number = stream.removeprefix(prefix)
    written = number != stream and number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS
    return int(number) if written else None
