"""How often answers that are being written may be shown anew, so that all channels together stay within the limits."""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf

PER_SECOND, AT_ONCE = 35.0, 10
"""Writes a second, and how many of them may come together after a pause: never more than 45 within a second.

Discord takes 50 requests a second (docs/discord-facts.md, 1.3), and others have to go, too.
"""


class Pace:
    """Gives turns to write: what comes first of an answer goes before what it has grown by.

    ``every`` is how many seconds a channel waits between two edits.
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
        """Return a future of the next turn; cancel it where that is not needed any more."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._first if first else self._others).append(turn)
        if self._timer is None:
            self._give()
        return turn

    def spare(self) -> bool:
        """Take a turn for something that matters little, if there is one that nobody waits for."""
        now = asyncio.get_running_loop().time()
        if self._timer is not None or self._next > now:
            return False
        self._take(now)
        return True

    def _give(self) -> None:
        """Give as many turns as may be had by now, and see to the rest in time."""
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
