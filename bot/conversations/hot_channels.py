"""The channels in memory, bounded in number and in bytes; the least recently used one leaves first."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.core.commands import Command
from bot.core.conversation import Conversation
from bot.core.events import Recorded

_CHANNEL_BYTES = 1_000
"""Bytes that a channel takes beside its state, measured."""


@dataclass(slots=True)
class HotChannel:
    """A channel in memory: its state (None: not loaded), the version of its newest snapshot, its waiting commands.

    ``idle`` is done when none of its commands waits any more; None: none waits now.
    """

    id: int
    state: Conversation | None = None
    saved_version: int = 0
    idle: asyncio.Future[None] | None = None
    size: int = 0
    mailbox: deque[tuple[Command, asyncio.Future[tuple[Recorded, ...]]]] = field(default_factory=deque)

    @property
    def busy(self) -> bool:
        """Tell whether commands wait."""
        return self.idle is not None

    def rest(self) -> None:
        """Note that no command waits."""
        if self.idle is not None:
            self.idle.set_result(None)
            self.idle = None


class HotChannels:
    """Holds a bounded number of channels and bytes, and more only while they are busy."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._channels: OrderedDict[int, HotChannel] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._channels)

    def __iter__(self) -> Iterator[HotChannel]:
        return iter(self._channels.values())

    def get(self, channel_id: int) -> HotChannel | None:
        """Return a channel if it is in memory; this does not count as a use."""
        return self._channels.get(channel_id)

    def use(self, channel_id: int) -> HotChannel:
        """Return a channel as the most recently used one; add it if it is not in memory."""
        channel = self._channels.get(channel_id)
        if channel is None:
            channel = self._channels[channel_id] = HotChannel(channel_id)
        else:
            self._channels.move_to_end(channel_id)
        return channel

    def put(self, channel: HotChannel, state: Conversation | None) -> None:
        """Set the state of a channel, and count its bytes."""
        size = state.size + _CHANNEL_BYTES if state else 0
        self.bytes += size - channel.size
        channel.state, channel.size = state, size

    def surplus(self) -> list[HotChannel]:
        """Return the idle channels that have to leave before another is added, least recently used first."""
        number, excess = len(self._channels) + 1 - self._most, self.bytes - self._most_bytes
        going: list[HotChannel] = []
        if number > 0 or excess > 0:
            for channel in self._channels.values():
                if number <= 0 and excess <= 0:
                    break
                if not channel.busy:
                    going.append(channel)
                    number, excess = number - 1, excess - channel.size
        return going

    def drop(self, channels: Iterable[HotChannel]) -> None:
        """Remove channels."""
        for channel in tuple(channels):
            self.bytes -= channel.size
            del self._channels[channel.id]


def refuse(future: asyncio.Future[Any], error: BaseException) -> None:
    """Raise the error for the caller of a command, if one still waits. The gateway does not wait."""
    if not future.done():
        future.set_exception(error)
        future.exception()  # retrieved, so that asyncio does not complain if nobody does
