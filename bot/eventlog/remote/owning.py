"""Owning a log in an engine: a claim makes the owner, and signs of life tell others that it lives.

What keeps two processes from appending is the claim alone. The signs of life keep a second process from taking over by
mistake: whoever starts looks for a while whether they change, by its own clock. And an owner that could give none for
half of that time sends nothing to Discord, because another one may do so soon.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from bot.errors import LogError, LogLocked, LogUnwritable
from bot.eventlog.remote.appending import Remote
from bot.eventlog.remote.following import away
from bot.eventlog.remote.port import Partition, Unsure
from bot.eventlog.remote.standing import Standing
from bot.eventlog.remote.view import Bookmark

BEATS = 8
"""How many signs of life the owner gives in the time after which another process may take over."""
POLL = 0.1
"""Seconds between two looks of a process that waits for the log, at most."""
PAUSE = 5.0
"""Seconds until a standby looks again after the engine was away, or its own folder could not be written."""
_COUNT = struct.Struct(">q")

_log = structlog.get_logger()


@dataclass(slots=True)
class Heart:
    """Gives signs of life; :meth:`run` is its task. ``takeover``: seconds after which an owner without any is dead.

    ``clock`` returns seconds of a monotonic clock.
    """

    remote: Remote
    takeover: float
    clock: Callable[[], float]
    standing: Standing
    _count: int = 0
    _mute: bool = False
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
                self._say_if_mute()
            except LogError:
                return
            else:
                self.remote.heard()
                self._heard = self.standing.heard_at = began
                self._say_if_mute()
            await asyncio.sleep(self.takeover / BEATS)

    def _say_if_mute(self) -> None:
        """Say once that nothing is sent to Discord any more, because another process may own the log, or again."""
        if self._mute == self.alive:
            self._mute = not self.alive
            if self._mute:
                _log.warning("log.mute", seconds=round(self.clock() - self._heard, 1))
            else:
                _log.info("log.unmuted")

    async def begin(self, *, wait: bool) -> None:
        """Give the first sign of life; with ``wait`` go on for as long as a takeover takes.

        Then the owner before has heard of it, or could not and is mute; and what it had begun to send has ended.
        """
        for _ in range(BEATS if wait else 1):
            with suppress(Unsure):
                await self._beat()
            await asyncio.sleep(self.takeover / BEATS if wait else 0)

    async def _beat(self) -> None:
        """Give a sign of life, and see whether somebody else does."""
        partition, owner = self.remote.partition, self.remote.owner
        seen = await partition.beats()
        if seen and not seen.startswith(owner):
            await self.remote.look()
        self._count += 1
        await partition.beat(owner + _COUNT.pack(self._count))

    async def stop(self) -> None:
        """Tell others that they need not wait: a name without a count. Call it when the task has ended."""
        partition, owner = self.remote.partition, self.remote.owner
        with suppress(Unsure):
            # Somebody may own the log by now of whom this process has not heard.
            if not self.remote.lost.done() and (await partition.beats()).startswith(owner):
                await partition.beat(owner)


@dataclass(frozen=True, slots=True)
class Taking:
    """How a log is taken whose owner may live: a ``standby`` waits for its end, anybody else is refused.

    ``takeover``: seconds without a sign of life after which an owner is dead; ``clock`` returns seconds of a monotonic
    clock. ``holder`` is the owner that is dead for certain, because this process has the lock on its folder.
    ``standing`` is told what is seen. A standby leaves a free log alone until it is its ``turn``.
    """

    partition: Partition
    takeover: float
    clock: Callable[[], float]
    standby: bool
    holder: bytes | None
    standing: Standing
    turn: Callable[[], bool] = lambda: True

    async def until_free(self, mark: Callable[[], Bookmark], catch_up: Callable[[], Awaitable[None]]) -> None:
        """Wait until the log has no owner that lives; raise LogLocked if it has one and this is no standby.

        ``mark`` returns how far the view goes, ``catch_up`` brings it up to the engine. At the return the view has all
        that was there when the owner was judged, so a claim fails if another process makes one first.
        """
        seen, since = None, self.clock()
        while True:
            now = await self._look(mark, catch_up)
            if now is None:
                since = self.clock()  # whoever can't be heard may live
            elif self._is_free(now):
                if self.turn():
                    return
            elif now != seen:
                if seen is not None and not self.standby:
                    raise LogLocked(
                        f"Another process owns the log in {self.partition.name}, and lives: stop it first, or take the "
                        "log over from it with `echoless run --take-over`."
                    )
                seen, since = now, self.clock()
                self.standing.heard_at = since
            elif self.clock() - since >= self.takeover and self.turn():
                return
            await asyncio.sleep(min(POLL, self.takeover / BEATS))

    async def _look(
        self, mark: Callable[[], Bookmark], catch_up: Callable[[], Awaitable[None]]
    ) -> tuple[bytes, bytes] | None:
        """Return the signs by now; None where a standby can't see them, or can't follow."""
        if not self.standby:
            return await self._signs(mark())
        try:
            await catch_up()
            signs = await self._signs(mark())
        except (Unsure, LogUnwritable) as error:
            _log.warning("log.standby", reason=str(error))
            self.standing.trouble = away(self.partition, error) if isinstance(error, Unsure) else str(error)
            await asyncio.sleep(PAUSE)
            return None
        self.standing.level()
        return signs

    async def _signs(self, mark: Bookmark) -> tuple[bytes, bytes]:
        """Return the newest sign of life, and the owner whom the newest claim names."""
        return await self.partition.beats(), mark.owner

    def _is_free(self, signs: tuple[bytes, bytes]) -> bool:
        beat, owner = signs
        return beat == owner or owner in (b"", self.holder)
