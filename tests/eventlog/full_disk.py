"""A log on a disk that is really full: run on a file system of its own, it exits with 0 when all went as it should.

Started by the tests as ``python full_disk.py FOLDER``, where FOLDER is an empty file system of a few megabytes.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path

from bot.core import events as e
from bot.errors import LogUnwritable
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.verify import verify

STREAM = "channel:1"


def now() -> int:
    """Return the time in microseconds."""
    return time.time_ns() // 1000


def fill(ballast: Path) -> None:
    """Take all the space there is."""
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        for size in (65536, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(os.urandom(size))
    try:
        ballast.with_suffix(".probe").write_bytes(b"x" * 5000)
    except OSError as error:
        assert error.errno == errno.ENOSPC  # noqa: PT017 - a script, not a test
    else:
        raise AssertionError("the disk is not full")
    finally:
        ballast.with_suffix(".probe").unlink(missing_ok=True)


def said(message_id: int) -> e.Draft:
    """Somebody posts a long message."""
    body = e.Body(parts=("hello " * 1000,))
    return e.Draft(e.MessageReceived(message_id=message_id, author_id=7, sent_at=1), body, subject_id=7)


async def refused(folder: Path) -> None:
    """Hold a first start on a full disk to be refused."""
    try:
        async with opened(folder):
            pass
    except LogUnwritable as error:
        assert "No space left on device" in str(error) or "disk is full" in str(error), error  # noqa: PT017 - no test
    else:
        raise AssertionError("opened on a full disk")


async def append(log: EventLog, message_id: int) -> None:
    """Append to both streams."""
    await log.append(STREAM, [said(message_id)])
    await log.append("channel:2", [said(message_id)])


async def append_until_full(log: EventLog) -> int:
    """Append until the disk is full, and return the last message that was acknowledged."""
    for message_id in count(1):
        outcomes = await asyncio.gather(
            log.append(STREAM, [said(message_id)]),
            log.append("channel:2", [said(message_id)]),
            return_exceptions=True,
        )
        if any(isinstance(outcome, BaseException) for outcome in outcomes):
            assert all(isinstance(outcome, LogUnwritable) for outcome in outcomes), outcomes
            assert "disk" in str(outcomes[0]), outcomes
            return message_id - 1
    raise AssertionError("unreachable")


async def check(log: EventLog, messages: int) -> None:
    """Hold a log to what it has acknowledged, and no more."""
    assert [await log.reader.head(stream) for stream in (STREAM, "channel:2")] == [messages, messages]
    assert len(await log.reader.bodies(range(1, 2 * messages + 1))) == 2 * messages
    progress = [progress async for progress in verify(log.reader)]
    assert [finding for one in progress for finding in one.findings] == []


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[EventLog]:
    """Open a log for the length of a ``with`` block."""
    log = await open_log(Location(folder), clock=now)
    try:
        yield log
    finally:
        await log.close()


async def main(disk: Path) -> None:
    """Fill the disk before the first start, during two runs and before a later start."""
    folder, ballast, reserve = disk / "log", disk / "ballast", disk / "reserve"
    fill(ballast)
    await refused(folder)
    ballast.unlink()
    reserve.write_bytes(os.urandom(3_000_000))

    async with opened(folder) as log:
        messages = await append_until_full(log)
        assert messages > 10, messages
        await check(log, messages)
        reserve.unlink()
        await append(log, messages + 1)
        fill(ballast)
        with suppress(LogUnwritable):
            await log.append("channel:3", [said(1)])
        await check(log, messages + 1)

    with suppress(LogUnwritable):
        async with opened(folder) as log:
            await check(log, messages + 1)
    ballast.unlink()
    async with opened(folder) as log:
        await append(log, messages + 2)
        await check(log, messages + 2)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
