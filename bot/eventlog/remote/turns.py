"""Turns among the processes of a log, at what only one of them may do in so many seconds.

A turn is a record of a partition of its own: who appends it has the turn, and who finds that another process was
quicker waits by its own clock and tries again. Where the newest turn stands, the sign of life of that partition says.
So nobody reads all that were ever taken.

Turns keep nothing safe, they spare trouble: where the engine is away, everybody has his turn at once.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from bot.errors import LogError
from bot.eventlog.remote.port import NOTHING, Fenced, Partition, Torn, Unsure, digest_of

_MARK = struct.Struct(">q32sd")
_FACTS = struct.Struct(">4s16s32sd")
_MAGIC, _OWN_BYTES = b"ECT1", 16

_log = structlog.get_logger()


@dataclass(slots=True)
class Turns:
    """Takes turns of ``seconds``; ``clock`` returns seconds of a monotonic clock, ``wall`` those since the epoch."""

    partition: Partition
    seconds: float
    clock: Callable[[], float]
    wall: Callable[[], float]
    _seq: int = 0
    _digest: bytes = NOTHING
    _place: str = ""
    _since: float | None = None
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take(self) -> None:
        """Wait for a turn and take it."""
        async with self._one:
            try:
                await self.partition.open()
                while not await self._tried():
                    pass
            except (Unsure, Torn, LogError) as error:
                _log.warning("turn.untaken", reason=type(error).__name__)
            finally:
                await self.partition.close()

    async def _tried(self) -> bool:
        """Wait until the newest turn is over, and try to take the next one."""
        await self._look()
        if self._since is not None:
            await asyncio.sleep(max(0.0, self._since + self.seconds - self.clock()))
        # No two records are alike: the engine takes the same one twice.
        facts = _FACTS.pack(_MAGIC, os.urandom(_OWN_BYTES), self._digest, self.wall())
        try:
            self._place = await self.partition.append(self._seq + 1, facts, None)
        except Fenced:
            return False
        self._note(self._seq + 1, digest_of(facts), age=0.0)
        await self.partition.beat(_MARK.pack(self._seq, self._digest, self.wall()) + self._place.encode())
        return True

    async def _look(self) -> None:
        """See which turns were taken meanwhile. Only another clock says how old those of before the first look are."""
        is_first = not self._seq
        if is_first and (mark := await self.partition.beats()):
            seq, digest, taken = _MARK.unpack_from(mark)
            self._place = mark[_MARK.size :].decode()
            self._note(seq, digest, age=self.wall() - taken)
        async with aclosing(self.partition.read(self._seq, self._digest, self._place)) as newer:
            async for entry in newer:
                taken = _FACTS.unpack(entry.facts)[-1]
                self._place = entry.place
                self._note(entry.seq, digest_of(entry.facts), age=self.wall() - taken if is_first else 0.0)

    def _note(self, seq: int, digest: bytes, *, age: float) -> None:
        self._seq, self._digest = seq, digest
        self._since = self.clock() - min(max(age, 0.0), self.seconds)
