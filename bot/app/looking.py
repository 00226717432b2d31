"""A look through the whole log for what can't be read: after the start, and slow on purpose, so that nobody waits."""

from __future__ import annotations

import asyncio

import structlog

from bot.errors import LogError
from bot.eventlog.reader import Reader

REST = 20
"""How much longer it rests than it looks."""

_log = structlog.get_logger()


async def look_through(reader: Reader) -> None:
    """Look at all events, the newest first, and have the reader note those that can't be read."""
    loop, before = asyncio.get_running_loop(), 2**62
    reader.quarantine.watched = True
    try:
        while before:
            began = loop.time()
            before = await reader.look(before)
            await asyncio.sleep(REST * (loop.time() - began))
    except LogError as error:
        _log.error("log.unreadable", reason=str(error))


def say(stream: str, position: int, why: str) -> None:
    """Write a log line about the first event of a stream that can't be read."""
    _log.error("event.unreadable", stream=stream, position=position, reason=why, hint="`echoless log verify` lists all")
