"""Running what others wrote, for a time, whatever it does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

GRACE = 5.0
"""Seconds for something that was cancelled to end."""


class Overdue(Exception):
    """Something took too long, and was cancelled."""


class Hanging(Exception):
    """Something goes on although it was cancelled."""


async def within(seconds: float, work: Coroutine[Any, Any, object], *, grace: float = GRACE) -> None:
    """Run ``work`` in a task of its own; raise what it raises, Overdue when it was cancelled for taking too long.

    Raises Hanging when it does not end then. It is left where it is, and keeps no loop from ending.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait((task,), timeout=seconds)
    except asyncio.CancelledError:
        await _cancel(task, grace)
        raise
    if not done:
        await _cancel(task, grace)
        raise Overdue
    if task.cancelled():
        raise Overdue
    task.result()


async def _cancel(task: asyncio.Task[object], grace: float) -> None:
    task.cancel()
    done, _ = await asyncio.wait((task,), timeout=grace)
    if not done:
        # asyncio.run waits at its end for all tasks that it knows of.
        asyncio._unregister_task(task)  # noqa: SLF001 - documented for those who extend asyncio
        raise Hanging
    if not task.cancelled():
        task.exception()  # looked at, so that nobody reports it
