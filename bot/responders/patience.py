"""How long somebody who answers may be silent, and how long the whole answer may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Silent(Exception):
    """Nothing came for too long; the message says for how long."""


class OutOfTime(Exception):
    """The time for the whole answer is over."""


async def within(awaited: Awaitable[T], seconds: float, deadline: float, limit: float) -> T:
    """Await something for at most ``seconds``, and not past ``deadline`` on the loop's clock.

    Raises OutOfTime at the deadline, and before it Silent, which names ``limit``, the seconds that silence may last.
    """
    left = deadline - asyncio.get_running_loop().time()
    timer = asyncio.timeout(min(seconds, left))
    try:
        async with timer:
            return await awaited
    except TimeoutError:
        if not timer.expired():
            raise
        if left <= seconds:
            raise OutOfTime from None
        raise Silent(f"silent for {limit:g} s") from None
