"""Random bytes for salts and nonces, asked of the system for many events at once.

Each system call gives the interpreter up for a moment, too short for a waiting thread to take it, and that thread's
waiting time begins anew: with one call an event, the log's writer was seen to wait 4 ms beside a busy loop.
"""

from __future__ import annotations

import os

_AT_ONCE = 8192


class Entropy:
    """Hands out bytes of the system's randomness, none of them twice."""

    def __init__(self) -> None:
        self._pool = b""
        self._used = 0

    def draw(self, size: int) -> bytes:
        """Return ``size`` bytes, at most 8192."""
        start, self._used = self._used, self._used + size
        if self._used > len(self._pool):
            self._pool, start, self._used = os.urandom(_AT_ONCE), 0, size
        return self._pool[start : self._used]
