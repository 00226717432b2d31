"""A process that holds many hot channels: it prints its resident memory in kB, idle and with all of them loaded."""

from __future__ import annotations

import asyncio
import gc
import sys
from pathlib import Path

from benchmarks.compare import echoless
from bot.conversations import Conversations
from bot.interpreter import settle

HOT = 20_000
AT_ONCE = 100


async def main() -> None:
    """Load channels 1 to as many as the second argument says from the log in the folder of the first."""
    folder, channels = Path(sys.argv[1]), int(sys.argv[2])
    async with echoless.opened(folder) as log:
        conversations = Conversations(log, hot_channels=HOT)
        idle = _resident()
        for first in range(1, channels + 1, AT_ONCE):
            some = range(first, min(first + AT_ONCE, channels + 1))
            await asyncio.gather(*(conversations.handle(channel, echoless.nothing(1)) for channel in some))
        if conversations.hot != channels:
            raise RuntimeError(f"{conversations.hot} channels are hot, not {channels}.")
        print(idle, _resident())  # noqa: T201 - for the parent


def _resident() -> int:
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


if __name__ == "__main__":
    settle()
    asyncio.run(main())
