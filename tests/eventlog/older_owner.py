"""Owns a log by the code of an older release, which is on PYTHONPATH: ``python older_owner.py FOLDER``.

It says that it is open. Then for each line of stdin it appends one message that is answered together with the one
before, in the form of that release, and says the newest position. What it can't open, it names, and ends with code 4.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from bot import __version__
from bot.core import events as e
from bot.errors import LogError
from bot.eventlog.log import Location, open_log  # type: ignore[attr-defined]  # where 0.1.0 has it


def say(line: object) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(folder: Path) -> None:
    """Append whenever told to."""
    log = await open_log(Location(folder), clock=lambda: time.time_ns() // 1000)
    say(f"open {__version__}")
    while await asyncio.to_thread(sys.stdin.readline):
        number = await log.reader.head("channel:1") + 1
        received = e.MessageReceived(message_id=number, author_id=7, sent_at=1, guild_id=5)
        joined = e.ReplyAbandoned(message_id=number, reason=e.AbandonReason.TOGETHER, detail=str(number - 1))
        body = e.Body(name="Ada", parts=(f"hello {number}",))
        appended = await log.append("channel:1", [e.Draft(received, body, 7), e.Draft(joined)])
        say(appended.new[-1].position)
    await log.close()


if __name__ == "__main__":
    try:
        asyncio.run(main(Path(sys.argv[1])))
    except LogError as error:
        say(f"{type(error).__name__}: {error}")
        sys.exit(4)
