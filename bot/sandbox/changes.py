"""Waiting until something in the world changes, without sleeping a guessed time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# A waiter looks again at most this often. It rests four times as long as its last look took.
_REST = 0.002
_REST_FACTOR = 4


class Changes:
    """Wakes all waiters whenever something changes."""

    def __init__(self) -> None:
        """Begin without waiters."""
        self._waiting: set[asyncio.Event] = set()

    def notify(self) -> None:
        """Wake all waiters because something changed."""
        for event in self._waiting:
            event.set()

    async def wait_for(self, look: Callable[[], T | None], within: float | None = None) -> T | None:
        """Call ``look`` after each change until it returns something; return None after ``within`` seconds."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(within):
                while True:
                    event.clear()
                    started = time.perf_counter()
                    found = look()
                    if found is not None:
                        return found
                    cost = time.perf_counter() - started
                    await event.wait()
                    await asyncio.sleep(max(_REST, cost * _REST_FACTOR))
        except TimeoutError:
            return look()
        finally:
            self._waiting.discard(event)
