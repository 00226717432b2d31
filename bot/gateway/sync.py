"""Which channels are complete: the log holds everything up to the newest message, and a live message continues it.

After a new session begins, messages of any channel may be missing; the same holds for a channel whose messages could
not be recorded. Until a catch-up has closed the gap, live messages of such a channel are ``AHEAD`` and leave the
watermark.
"""

from __future__ import annotations

from bot.core.events import Via


class Sync:
    """The channels that are known to be complete in this session."""

    def __init__(self) -> None:
        self._complete: set[int] = set()
        self._doubts: dict[int, int] = {}
        self._all_doubts = 0

    def via(self, channel_id: int) -> Via:
        """Return how a live message of this channel reaches the log."""
        return Via.LIVE if channel_id in self._complete else Via.AHEAD

    def doubts(self, channel_id: int) -> int:
        """Return how often the channel was doubted. While the number stays the same, a read history stays valid."""
        return self._all_doubts + self._doubts.get(channel_id, 0)

    @property
    def sessions(self) -> int:
        """Return how often all channels were doubted: once for each session that began."""
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
