"""The way from the world to the sessions, which can be told to repeat and to reorder."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable

from bot.sandbox.events import Dispatch


class Delivery:
    """Pass dispatches on: as they come, twice at random, or shuffled across channels.

    Shuffling holds events of channels back until ``size`` of them wait or ``delay`` seconds passed, then releases them
    in random order; the order within one channel stays.
    """

    def __init__(self, deliver: Callable[[Dispatch], None]) -> None:
        """Deliver faithfully at first."""
        self._deliver = deliver
        self._repeat_probability = 0.0
        self._shuffle_size = 0
        self._shuffle_delay = 0.0
        self._random = random.Random(0)  # noqa: S311 - faults, not secrets
        self._held: dict[int, deque[Dispatch]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def repeat(self, probability: float, seed: int) -> None:
        """Deliver each event of a channel a second time with a probability."""
        self._repeat_probability = probability
        self._random.seed(seed)

    def shuffle(self, size: int, delay: float, seed: int) -> None:
        """Begin to shuffle across channels."""
        self._shuffle_size = size
        self._shuffle_delay = delay
        self._random.seed(seed)

    def restore(self) -> None:
        """Deliver faithfully again, and release what was held."""
        self._repeat_probability = 0.0
        self._shuffle_size = 0
        self.release()

    def accept(self, dispatch: Dispatch) -> None:
        """Take an event from the world."""
        self._pass_on(dispatch)
        if (
            self._repeat_probability
            and dispatch.channel is not None
            and self._random.random() < self._repeat_probability
        ):
            self._pass_on(dispatch)

    def _pass_on(self, dispatch: Dispatch) -> None:
        if not self._shuffle_size or dispatch.channel is None:
            self._deliver(dispatch)
            return
        self._held.setdefault(dispatch.channel.id, deque()).append(dispatch)
        if sum(map(len, self._held.values())) >= self._shuffle_size:
            self.release()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._shuffle_delay, self.release)

    def release(self) -> None:
        """Deliver what is held, taking turns between channels at random."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held = self._held, {}
        while held:
            channel_id = self._random.choice(sorted(held))
            self._deliver(held[channel_id].popleft())
            if not held[channel_id]:
                del held[channel_id]
