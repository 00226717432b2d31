"""The log's anchor once a day, in a channel that the owner chose: out of reach of whoever gets at the log's folder.

The day is noted in the log before the anchor is posted, so a crash can't double it. A day's anchor may be missing then,
or after a failed send: the next one stands for all that is before it, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from bot.errors import EcholessError
from bot.eventlog.anchor import anchor_of
from bot.eventlog.log import EventLog
from bot.replies.sender import Sender
from bot.times import SECOND

_DAY = 24 * 60 * 60 * SECOND
_LOOKED_EVERY = 600.0
"""Seconds after which it is looked whether another day has begun."""


class Anchors:
    """Posts anchors to ``channel_id``; ``clock`` returns microseconds since the epoch. A day is one in UTC."""

    def __init__(self, log: EventLog, sender: Sender, channel_id: int, clock: Callable[[], int]) -> None:
        self._log = log
        self._sender = sender
        self._channel_id = channel_id
        self._clock = clock

    async def run(self) -> None:
        """Post until cancelled."""
        while True:
            await self._sender.ready()
            # Whoever records events meets the same trouble and tells it. The next look posts the anchor.
            with suppress(EcholessError):
                await self.post()
            await asyncio.sleep(_LOOKED_EVERY)

    async def post(self) -> None:
        """Post the anchor, unless this day's was posted."""
        day = self._clock() // _DAY
        anchor = await self._log.reader.connection.run(anchor_of)
        if await self._log.note("anchor_day", str(day).encode()):
            await self._sender.say(self._channel_id, f"`{anchor}`", nonce=f"anchor{day}")
