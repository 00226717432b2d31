"""Which channels are complete: everything up to the newest message is in the log, so a live message extends it.

A session that begins anew may have missed messages, and so may a channel whose messages could not be recorded. Until a
catch-up has closed the gap, live messages of such a channel come ``AHEAD`` and leave the watermark where it is.
"""

from __future__ import annotations

from bot.core.events import Via


class Sync:
    """The channels known complete in this session."""

    def __init__(self) -> None:
        self._complete: set[int] = set()
        self._doubts: dict[int, int] = {}
        self._all_doubts = 0

    def via(self, channel_id: int) -> Via:
        """Return how a live message of this channel reaches the log."""
        return Via.LIVE if channel_id in self._complete else Via.AHEAD

    def doubts(self, channel_id: int) -> int:
        """Return how often the channel was doubted: while the number stays, a look at its history stays good."""
        return self._all_doubts + self._doubts.get(channel_id, 0)

    @property
    def sessions(self) -> int:
        """Return how often every channel was doubted: once for each session that began."""
        return self._all_doubts

    def complete(self, channel_id: int) -> None:
        """Note that the channel has no gap."""
        self._complete.add(channel_id)

    def doubt(self, channel_id: int) -> None:
        """Note that the channel may have a gap."""
        self._complete.discard(channel_id)
        self._doubts[channel_id] = self._doubts.get(channel_id, 0) + 1

    def doubt_all(self) -> None:
        """Note that every channel may have a gap."""
        self._complete.clear()
        self._all_doubts += 1

    def __contains__(self, channel_id: int) -> bool:
        return channel_id in self._complete
