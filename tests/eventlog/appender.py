"""A process that owns a log and appends to it until it is killed; it prints what the log has acknowledged.

Started by the tests as ``python appender.py FOLDER [STREAMS NUMBER before|after]``. Each line is a stream, a version
and a position. With a number it kills itself at that commit of those that have another batch queued behind them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
import time
from itertools import count
from pathlib import Path

import structlog

from bot.core import events as e
from bot.errors import LogError
from bot.eventlog.batch import Appended, Batch
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.snapshots import due
from tests.suite.engine import engine_in

WORDS = e.Body(name="Ada", parts=("hello " * 100,))


def now() -> int:
    """Return the time in microseconds."""
    return time.time_ns() // 1000


async def append(log: EventLog, stream: str, message_id: int) -> None:
    """Record a message and ask for a reply to it, say so, and take a snapshot when one is due."""
    received = e.MessageReceived(message_id=message_id, author_id=7, sent_at=now())
    asked = e.ReplyRequested(message_id=message_id, author_id=7, responder="rules", call=e.Call.DM)
    appended: Appended = await log.append(stream, [e.Draft(received, WORDS, subject_id=7), e.Draft(asked)])
    for recorded in appended.new:
        sys.stdout.write(f"{recorded.stream} {recorded.version} {recorded.position}\n")
    sys.stdout.flush()
    version = appended.new[-1].version
    if due(version - 2, version, every=20):
        await log.save_snapshot(stream, (await log.reader.load(stream, upto=version)).state)


async def main(folder: Path, streams: int, number: int, when: str) -> None:
    """Own the log in a folder and append for ever, to several streams at once."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    log = await open_log(Location(folder), clock=now, engine=engine_in(os.environ))
    if when:
        doom(log, number, when)
    sys.stdout.write("open\n")
    sys.stdout.flush()
    first = await log.reader.head("channel:0") + 1
    await asyncio.gather(*(append_for_ever(log, f"channel:{number}", first) for number in range(streams)))


async def append_for_ever(log: EventLog, stream: str, first: int) -> None:
    """Append to one stream, message after message."""
    for message_id in count(first):
        await append(log, stream, message_id)


def doom(log: EventLog, number: int, when: str) -> None:
    """Have this process killed at a commit that has another batch queued behind it."""
    commit, numbers = Batch.write, count(1)

    def committing(batch: Batch, connection: sqlite3.Connection) -> None:
        here = len(log._writer._flying) > 1 and next(numbers) == number
        if here and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        commit(batch, connection)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)

    Batch.write = committing  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    try:
        folder, streams, number, when, *_ = *sys.argv[1:], "4", "0", ""
        asyncio.run(main(Path(folder), int(streams), int(number), when))
    except LogError as error:
        sys.exit(f"{type(error).__name__}: {error}")
