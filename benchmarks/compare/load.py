"""Callers in a closed loop: each waits for its answer before it asks again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Load:
    """What a load took: seconds in all, and the milliseconds of each call."""

    seconds: float
    milliseconds: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Return calls per second."""
        return len(self.milliseconds) / self.seconds


async def callers(work: Sequence[Sequence[T]], call: Callable[[T], Awaitable[object]]) -> Load:
    """Make one caller for each sequence of ``work``, all at once."""
    took: list[float] = []

    async def caller(items: Sequence[T]) -> None:
        for item in items:
            began = time.perf_counter()
            await call(item)
            took.append((time.perf_counter() - began) * 1000)

    start = time.perf_counter()
    await asyncio.gather(*(caller(items) for items in work))
    return Load(time.perf_counter() - start, tuple(took))


def in_turn(work: Sequence[Sequence[T]], call: Callable[[T], object]) -> Load:
    """Make the same calls from one thread, the callers taking turns: what a blocking call on an event loop comes to."""
    took: list[float] = []
    start = time.perf_counter()
    for turn in zip(*work, strict=True):
        for item in turn:
            began = time.perf_counter()
            call(item)
            took.append((time.perf_counter() - began) * 1000)
    return Load(time.perf_counter() - start, tuple(took))


def threads(work: Sequence[Sequence[T]], call: Callable[[T], object]) -> Load:
    """Make the same calls from a thread for each caller."""
    took: list[float] = []

    def caller(items: Sequence[T]) -> None:
        for item in items:
            began = time.perf_counter()
            call(item)
            took.append((time.perf_counter() - began) * 1000)

    with ThreadPoolExecutor(len(work)) as pool:
        start = time.perf_counter()
        list(pool.map(caller, work))
        seconds = time.perf_counter() - start
    return Load(seconds, tuple(took))
