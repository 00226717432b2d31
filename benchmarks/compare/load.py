"""Loads: callers in a closed loop, who wait for an answer before they ask again, and calls by a schedule."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

BEGINNING = 10
"""One call in so many counts as the start, where all callers come at once; percentiles leave it out."""

LEAD = 0.05
"""Seconds before the first call of a schedule."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a load took: seconds in all, and the milliseconds of each call, in the order of each caller."""

    seconds: float
    callers: tuple[tuple[float, ...], ...]

    @property
    def rate(self) -> float:
        """Return calls per second."""
        return sum(map(len, self.callers)) / self.seconds

    @property
    def milliseconds(self) -> list[float]:
        """Return what each call took, without each caller's first ones."""
        return [took for mine in self.callers for took in mine[-(-len(mine) // BEGINNING) :]]


async def callers(work: Sequence[Sequence[T]], call: Callable[[T], Awaitable[object]]) -> Load:
    """Make one caller for each sequence of ``work``, all at once."""

    async def caller(items: Sequence[T]) -> tuple[float, ...]:
        took = []
        for item in items:
            began = time.perf_counter()
            await call(item)
            took.append((time.perf_counter() - began) * 1000)
        return tuple(took)

    start = time.perf_counter()
    took = await asyncio.gather(*(caller(items) for items in work))
    return Load(time.perf_counter() - start, tuple(took))


def in_turn(work: Sequence[Sequence[T]], call: Callable[[T], object]) -> Load:
    """Make the same calls from one thread, the callers taking turns: what a blocking call on an event loop comes to."""
    took: list[list[float]] = [[] for _ in work]
    start = time.perf_counter()
    for turn in zip(*work, strict=True):
        for mine, item in zip(took, turn, strict=True):
            began = time.perf_counter()
            call(item)
            mine.append((time.perf_counter() - began) * 1000)
    return Load(time.perf_counter() - start, tuple(map(tuple, took)))


def threads(work: Sequence[Sequence[T]], call: Callable[[T], object]) -> Load:
    """Make the same calls from a thread for each caller."""

    def caller(items: Sequence[T]) -> tuple[float, ...]:
        took = []
        for item in items:
            began = time.perf_counter()
            call(item)
            took.append((time.perf_counter() - began) * 1000)
        return tuple(took)

    with ThreadPoolExecutor(len(work)) as pool:
        start = time.perf_counter()
        took = tuple(pool.map(caller, work))
        seconds = time.perf_counter() - start
    return Load(seconds, took)


async def scheduled(items: Sequence[T], call: Callable[[T], Awaitable[object]], *, rate: float) -> Load:
    """Begin ``rate`` calls a second, whatever became of those before (an open loop), and wait for all.

    A call's milliseconds run from the moment when it was due: if it had to begin late, that counts too. An event loop
    wakes every millisecond at most, so that a call begins up to one late.
    """
    start = time.perf_counter() + LEAD

    async def one(item: T, due: float) -> float:
        await call(item)
        return (time.perf_counter() - due) * 1000

    tasks = []
    for number, item in enumerate(items):
        due = start + number / rate
        while (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        tasks.append(asyncio.create_task(one(item, due)))
    took = await asyncio.gather(*tasks)
    return Load(time.perf_counter() - start, (tuple(took),))
