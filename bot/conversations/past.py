"""The state of a channel at a point in time, and the version of it at a moment."""

from __future__ import annotations

from dataclasses import dataclass, field

from cachetools import LRUCache

from bot.core.conversation import Conversation
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
"""Versions of which one state is kept where no snapshots are near, and the earliest time."""
FAR = 2 * BLOCK
"""Events that are folded for one state without keeping any."""
STEPS, KEPT = 50, 16
"""Versions of which one state is kept for who goes on step by step, and how many of these states are."""


@dataclass(slots=True)
class Past:
    """The versions of a stream for who goes back and forth in it: what was found on the way is kept.

    Old snapshots are :data:`~bot.eventlog.snapshots.SPACING` events apart; after a release that folds otherwise there
    are none.
    """

    reader: Reader
    stream: str
    _blocks: dict[int, Conversation] = field(default_factory=dict)
    _near: LRUCache[int, Conversation] = field(default_factory=lambda: LRUCache(KEPT))
    _earliest: list[int] = field(default_factory=list)

    async def load(self, version: int) -> Loaded:
        """Return the state at a version."""
        number = version // STEPS
        if number not in self._near:
            self._near[number] = (await self._loaded(number * STEPS)).state
        return await self.reader.load(self.stream, upto=version, start=self._near[number])

    async def _loaded(self, version: int) -> Loaded:
        block = version // BLOCK
        if block not in self._blocks and await self.reader.to_fold(self.stream, upto=version) > FAR:
            await self._fold(block)
        return await self.reader.load(self.stream, upto=version, start=self._blocks.get(block))

    async def _fold(self, block: int) -> None:
        """Keep a state of each block up to one."""
        known = max((each for each in self._blocks if each < block), default=0)
        for each in range(known + 1, block + 1):
            found = await self.reader.load(self.stream, upto=each * BLOCK, start=self._blocks.get(each - 1))
            self._blocks[each] = found.state

    async def version_at(self, moment: int) -> int:
        """Return the newest version recorded at or before ``moment`` (microseconds), wherever the clock was set back.

        The first time it reads the whole stream.
        """
        # The last block may have grown.
        whole = self._earliest[:-1]
        self._earliest = whole + await self.reader.earliest(self.stream, BLOCK, len(whole) * BLOCK)
        for block in range(len(self._earliest), 0, -1):
            if self._earliest[block - 1] <= moment:
                return await self.reader.version_at(self.stream, moment, upto=block * BLOCK)
        return 0
