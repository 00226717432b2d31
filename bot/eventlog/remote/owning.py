"""Owning a log in an engine: a claim makes the owner, and signs of life tell others that it lives.

What keeps two processes from appending is the claim alone. The signs of life keep a second process from taking over by
mistake: whoever starts looks for a while whether they change, by its own clock. And an owner that could give none for
half of that time sends nothing to Discord, because another one may do so soon.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from bot.errors import LogError, LogLocked
from bot.eventlog.remote.appending import Remote
from bot.eventlog.remote.port import Partition, Unsure

BEATS = 8
"""How many signs of life the owner gives in the time after which another process may take over."""
_COUNT = struct.Struct(">q")


@dataclass(slots=True)
class Heart:
    """Gives signs of life; :meth:`run` is its task. ``takeover``: seconds after which an owner without any is dead.

    ``clock`` returns seconds of a monotonic clock.
    """

    remote: Remote
    takeover: float
    clock: Callable[[], float]
    _count: int = 0
    _heard: float = field(init=False)

    def __post_init__(self) -> None:
        self._heard = self.clock()

    @property
    def alive(self) -> bool:
        """Tell whether others have to take this process for the owner: it gave a sign of life not long ago."""
        return self.clock() - self._heard < self.takeover / 2 and not self.remote.lost.done()

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            began = self.clock()
            try:
                await self._beat()
            except Unsure as error:
                self.remote.say(error)
            except LogError:
                return
            else:
                self._heard = began
            await asyncio.sleep(self.takeover / BEATS)

    async def _beat(self) -> None:
        """Give a sign of life, and see whether somebody else does."""
        partition, owner = self.remote.partition, self.remote.owner
        seen = await partition.beats()
        if seen and not seen.startswith(owner):
            await self.remote.look()
        self._count += 1
        await partition.beat(owner + _COUNT.pack(self._count))

    async def stop(self) -> None:
        """Tell others that they need not wait; call it when the task has ended."""
        if not self.remote.lost.done():
            with suppress(Unsure):
                await self.remote.partition.beat(b"")


async def require_unowned(partition: Partition, holder: bytes | None, takeover: float) -> None:
    """Raise LogLocked while the owner gives signs of life. ``holder`` is the owner whom this folder's lock replaced."""
    first = await partition.beats()
    if not first or (holder and first.startswith(holder)):
        return
    for _ in range(BEATS):
        await asyncio.sleep(takeover / BEATS)
        now = await partition.beats()
        if now and now != first:
            raise LogLocked(
                f"Another process owns the log in {partition.name}, and lives: stop it first, or take the log over "
                "from it with `echoless run --take-over`."
            )
