"""A process that owns a log in an engine and appends to it until it is killed; it prints what was acknowledged.

Started as ``python appender.py FOLDER CALLERS [POINT RECORD]``, with the address in ECHOLESS_ENGINE. Each line is a
stream, a message and its position. It ends with the name of the error when it loses the log. With a point it kills
itself there, at that record of those it appends; the first one is its claim.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from bot.core import events as e
from bot.errors import LogError
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.remote import appending, opening
from bot.eventlog.remote.opening import Engine
from bot.eventlog.remote.port import Partition
from bot.eventlog.remote.view import Bookmark
from tests.engines.emulators import partition_of

TAKEOVER = 1.0


def now() -> int:
    """Return the time in microseconds."""
    return time.time_ns() // 1000


def engine(address: str, *, force: bool = False) -> Engine:
    """Return the engine, which the test's process takes as well."""
    return Engine(partition_of(address), time.monotonic, TAKEOVER, force=force)


def location(folder: Path) -> Location:
    """Return a place for a view; all have one key."""
    return Location(folder, key_file=folder.parent / "vault.key")


def doom(point: str, record: int) -> None:
    """Have this process killed at a point on the way of a record: before or after it is kept, or its local commit."""
    kind = type(partition_of(os.environ["ECHOLESS_ENGINE"]))
    real, commit, note, numbers = kind.append, appending._commit, opening._note, count(1)

    def here(at: str) -> None:
        if at == point and number[0] == record:
            os.kill(os.getpid(), signal.SIGKILL)

    number = [0]

    async def appended(partition: Partition, seq: int, facts: bytes, words: bytes | None) -> str:
        number[0] = next(numbers)
        here("before it is kept")
        place = await real(partition, seq, facts, words)
        here("after it is kept")
        return place

    def committed(mark: Bookmark, places: Sequence[tuple[str, int]], connection: sqlite3.Connection) -> None:
        here("before its commit")
        commit(mark, places, connection)
        here("after its commit")

    def noted(mark: Bookmark, claim: Mapping[str, Any], connection: sqlite3.Connection) -> None:
        here("before its commit")
        note(mark, claim, connection)
        here("after its commit")

    kind.append = appended  # type: ignore[method-assign, assignment]
    appending._commit, opening._note = committed, noted


async def append(log: EventLog, stream: str, message_id: int) -> bool:
    """Record a message with its words; say so, and tell whether it was new."""
    received = e.MessageReceived(message_id=message_id, author_id=7, sent_at=1)
    appended = await log.append(stream, [e.Draft(received, e.Body(parts=("hello " * 10,)), subject_id=7)])
    (recorded,) = appended.new or appended.known
    sys.stdout.write(f"{stream} {message_id} {recorded.position}\n")
    sys.stdout.flush()
    return bool(appended.new)


async def append_for_ever(log: EventLog, number: int) -> None:
    """Append to one stream, message after message; the one that may have been the last comes again first."""
    stream = f"channel:{number}"
    head = await log.reader.head(stream)
    if head and await append(log, stream, number * 1_000_000 + head):
        sys.exit("a message that was recorded was recorded again")
    for version in count(head + 1):
        await append(log, stream, number * 1_000_000 + version)


async def main(folder: Path, callers: int) -> None:
    """Own the log and append for ever, to several streams at once."""
    log = await open_log(location(folder), clock=now, full=False, engine=engine(os.environ["ECHOLESS_ENGINE"]))
    sys.stdout.write("open\n")
    sys.stdout.flush()
    try:
        await asyncio.gather(*(append_for_ever(log, number) for number in range(1, callers + 1)))
    finally:
        await log.close()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        folder, callers, point, record, *_ = *sys.argv[1:], "", "0"
        doom(point, int(record))
        asyncio.run(main(Path(folder), int(callers)))
    except LogError as error:
        sys.exit(f"{type(error).__name__}: {error}")
