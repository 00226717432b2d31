"""The state of a channel at a point in time."""

from __future__ import annotations

from bot.core.streams import stream_of
from bot.eventlog.reader import Loaded, Reader


async def state_as_of(
    reader: Reader, channel_id: int, *, version: int | None = None, moment: int | None = None
) -> Loaded:
    """Return the state of a channel at a version, at a time (microseconds since the epoch), or now."""
    stream = stream_of(channel_id)
    if moment is not None:
        version = await reader.version_at(stream, moment)
    return await reader.load(stream, upto=version)
