"""Follows the log from outside: pages of new events, and a restored backup noticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from bot.errors import LogError
from bot.eventlog.pages import History, Page, read_history, read_page
from bot.eventlog.reader import Reader
from bot.moderation.text import Line

LOOK_EVERY = 0.05
"""Seconds between two looks for new events."""
PAGE = 500


class Forked(LogError):
    """The log does not hold what was recorded after ``shared`` any more; it goes on there in ``incarnation``."""

    def __init__(self, shared: int, history: History, why: str) -> None:
        """Say why."""
        super().__init__(
            f"The log does not hold what was recorded after position {shared} any more, because {why}. To go on with "
            f"what it holds: --from {shared} --incarnation {history.incarnation}"
        )
        self.shared = shared
        self.incarnation = history.incarnation


class Start(NamedTuple):
    """Where to begin: after a position (None: what comes from now on) of an incarnation (None: the log's own)."""

    position: int | None = None
    incarnation: int | None = None


async def _a_moment() -> None:
    await asyncio.sleep(LOOK_EVERY)


async def follow(
    opening: Callable[[], AbstractAsyncContextManager[Reader]],
    path: Path,
    start: Start,
    types: Sequence[str],
    *,
    words: bool,
    idle: Callable[[], Awaitable[object]] = _a_moment,
) -> AsyncGenerator[tuple[History, Page], None]:
    """Yield pages of ``types`` (none: all), also those without events, and await ``idle`` at the log's end.

    ``opening`` opens the log at ``path``; it is opened again when another file has its name. Raises Forked where events
    up to the position are not in the log any more, and what ``opening`` raises.
    """
    position, incarnation = start
    while True:
        async with opening() as reader:
            history = await reader.connection.run(read_history)
            position = history.head if position is None else position
            _require_shared(history, position, history.incarnation if incarnation is None else incarnation)
            incarnation = history.incarnation
            file = _file_at(path)
            while _file_at(path) == file:
                vault = reader.vault if words else None
                page = await reader.connection.run(partial(read_page, position, types, PAGE, vault))
                yield history, page
                position = page.upto
                if position >= page.head:
                    await idle()


def _file_at(path: Path) -> int:
    """Return what tells the file that has a name from another that has it later, 0 where there is none."""
    return path.stat().st_ino if path.exists() else 0


def _require_shared(history: History, position: int, incarnation: int) -> None:
    """Raise Forked when events up to ``position`` of an earlier incarnation are not in the log any more."""
    fork = history.fork_after(incarnation)
    shared = history.head if fork is None else min(fork, history.head)
    if position > shared:
        why = "a backup took the log's place" if fork is not None else "this is another log, or one that lost its end"
        raise Forked(shared, history, why)


def followed(history: History, line: Line) -> dict[str, Any]:
    """Return an event as who follows sees it: with the incarnation that its position is to be kept with."""
    return {"incarnation": history.incarnation, **line.to_json()}
