"""A process that owns a log and appends to it until it is killed; it prints what the log has acknowledged.

Started by the tests as ``python appender.py FOLDER``. Each line is a stream, a version and a position.
"""

from __future__ import annotations

import asyncio
import sys
import time
from itertools import count
from pathlib import Path

from bot.core import events as e
from bot.errors import LogError
from bot.eventlog.batch import Appended
from bot.eventlog.log import EventLog, Location, open_log
from bot.eventlog.snapshots import due

STREAMS = [f"channel:{number}" for number in range(4)]
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


async def main(folder: Path) -> None:
    """Own the log in a folder and append for ever, to several streams at once."""
    log = await open_log(Location(folder), clock=now)
    sys.stdout.write("open\n")
    sys.stdout.flush()
    for message_id in count(await log.reader.head(STREAMS[0]) + 1):
        await asyncio.gather(*(append(log, stream, message_id) for stream in STREAMS))


if __name__ == "__main__":
    try:
        asyncio.run(main(Path(sys.argv[1])))
    except LogError as error:
        sys.exit(f"{type(error).__name__}: {error}")
