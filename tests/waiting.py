"""How tests wait for what comes by itself."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

PATIENCE = 240.0
"""Seconds until a wait counts as hanging, on however slow a machine: no verdict hangs on a deadline."""


async def eventually(look: Callable[[], object]) -> None:
    """Wait until ``look``, a function or a coroutine function, gives something true."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = look()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.01)
