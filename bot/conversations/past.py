"""The state of a channel at a point in time, and the version of it at a moment."""

from __future__ import annotations

from dataclasses import dataclass, field

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


BLOCK = 500
"""Versions of which only the earliest time is kept."""


@dataclass(slots=True)
class Times:
    """Finds the version of a stream at moments, for who asks often: reads the whole stream once.

    The clock may have been set back: the version at a moment is the newest that was recorded by then.
    """

    reader: Reader
    stream: str
    _earliest: list[int] = field(default_factory=list)

    async def version_at(self, moment: int) -> int:
        """Return the newest version recorded at or before ``moment`` (microseconds)."""
        # The last block may have grown.
        whole = self._earliest[:-1]
        self._earliest = whole + await self.reader.earliest(self.stream, BLOCK, len(whole) * BLOCK)
        for block in range(len(self._earliest), 0, -1):
            if self._earliest[block - 1] <= moment:
                return await self.reader.version_at(self.stream, moment, upto=block * BLOCK)
        return 0
