"""Limits how often answers that are being written are edited, so that all channels stay within Discord's limits."""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf

PER_SECOND, AT_ONCE = 35.0, 10
"""Writes a second, and writes at once after a pause: never more than 45 within a second.

Discord takes 50 requests a second (docs/discord-facts.md, 1.3), and other requests need some of them.
"""


class Pace:
    """Gives turns to write. The first write of an answer goes before edits of others.

    ``every`` is the number of seconds between two edits in a channel.
    """

    def __init__(self, every: float, per_second: float = PER_SECOND, at_once: int = AT_ONCE) -> None:
        self.every = every
        self._gap = 1 / per_second
        self._slack = (at_once - 1) * self._gap
        self._next = -inf
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def turn(self, *, first: bool = False) -> asyncio.Future[None]:
        """Return a future of the next turn; cancel it when it is no longer needed."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._first if first else self._others).append(turn)
        if self._timer is None:
            self._give()
        return turn

    def spare(self) -> bool:
        """Take a turn for something unimportant if nothing else waits; tell whether there was one."""
        now = asyncio.get_running_loop().time()
        if self._timer is not None or self._next > now:
            return False
        self._take(now)
        return True

    def _give(self) -> None:
        """Give the turns that are due, and set a timer for the rest."""
        loop = asyncio.get_running_loop()
        self._timer = None
        while waiting := self._first or self._others:
            if waiting[0].done():
                waiting.popleft()
            elif self._next <= loop.time():
                waiting.popleft().set_result(None)
                self._take(loop.time())
            else:
                self._timer = loop.call_at(self._next, self._give)
                return

    def _take(self, now: float) -> None:
        self._next = max(self._next, now - self._slack) + self._gap
