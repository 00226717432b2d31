"""Opens the logs of a process: those of a shard are owned in the order of their numbers, or none is kept.

So of two processes that want the same partitions, whatever their numbers of shards, one gets the first and then the
others, and the other one waits without holding any.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from bot.app.clock import clock
from bot.app.engines import engine_of
from bot.config import Config
from bot.errors import LogError
from bot.eventlog import forms
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.remote.opening import Engine
from bot.eventlog.remote.standing import Standing

_log = structlog.get_logger()


@dataclass(slots=True)
class Opening:
    """How the logs at ``locations``, by the numbers of their partitions, are opened until ``stopping`` is set.

    ``accept_unknown`` goes on where a newer release wrote what this one does not know; ``take_over`` takes a log in an
    engine from a process that lives, a ``standby`` follows that until it ends. Raises ConfigError where an engine can't
    be made.
    """

    config: Config
    locations: Mapping[int, Location]
    stopping: asyncio.Event
    accept_unknown: bool = False
    take_over: bool = False
    standby: bool = False
    _engines: Mapping[int, Engine | None] = field(init=False)
    _opened: set[int] = field(default_factory=set)
    _begun: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._engines = {
            partition: engine_of(
                self.config.of_partition(partition),
                os.environ,
                take_over=self.take_over,
                standby=self.standby,
                turn=self._turn_of(partition),
            )
            for partition in self.locations
        }

    @property
    def standings(self) -> Mapping[int, Standing]:
        """Return how the process stands to each partition that is kept in an engine."""
        return {partition: engine.standing for partition, engine in self._engines.items() if engine is not None}

    @asynccontextmanager
    async def of(self, partitions: Sequence[int]) -> AsyncIterator[Mapping[int, EventLog] | None]:
        """Open the logs of a shard, and close them after the context; yield None if the bot is stopped before.

        Raises what keeps one of them from being opened, and the reason when one that is open already is lost.
        """
        if self.standby:
            _log.info("log.standby", **({"partitions": partitions} if len(self.locations) > 1 else {}))
        logs: dict[int, EventLog] = {}
        try:
            yield logs if await self._open(partitions, logs) else None
        finally:
            for log in logs.values():
                await log.close()

    async def _open(self, partitions: Sequence[int], logs: dict[int, EventLog]) -> bool:
        """Open logs at the same time, and put them into ``logs``; return False if the bot is stopped before."""
        opening = {asyncio.create_task(self._one(each), name=f"log {each}"): each for each in partitions}
        stop = asyncio.create_task(self.stopping.wait(), name="stop")
        lost: list[asyncio.Task[LogError]] = []
        left = set(opening)
        try:
            while left and not stop.done():
                await asyncio.wait((*left, stop, *lost), return_when=asyncio.FIRST_COMPLETED)
                for task in [each for each in left if each.done()]:
                    logs[opening[task]] = log = task.result()
                    left.discard(task)
                    lost.append(asyncio.create_task(log.lost(), name="log lost"))
                for reason in lost:
                    if reason.done():
                        raise reason.result()
            return not left
        finally:
            for each in (*left, stop, *lost):
                each.cancel()
            await asyncio.wait((*opening, stop, *lost))
            for task in left:
                # One may have been opened at the same moment.
                if not task.cancelled() and task.exception() is None:
                    logs[opening[task]] = task.result()

    async def _one(self, partition: int) -> EventLog:
        if not self.standby and partition != min(self.locations):
            # A log begins with its first partition.
            await self._begun.wait()
        log = await open_log(
            self.locations[partition],
            clock=clock,
            full=self.config.log.durability == "full",
            accept_unknown=self.accept_unknown,
            on_migration=_say_what_is_migrated,
            engine=self._engines[partition],
        )
        self._opened.add(partition)
        self._begun.set()
        await _say_what_is_unknown(log)
        return log

    def _turn_of(self, partition: int) -> Callable[[], bool]:
        """Return what tells whether the partitions of the same shard that come before one are this process's."""
        total = self.config.shards.total
        before = {each for each in self.locations if each < partition and each % total == partition % total}
        return lambda: before <= self._opened


def _say_what_is_migrated(size: int) -> None:
    """Say why the start takes longer than others."""
    _log.info("log.migrating", megabytes=round(size / 1e6, 1))


async def _say_what_is_unknown(log: EventLog) -> None:
    """Say what a newer release may have written that is skipped, because somebody accepted that."""
    if unknown := await log.reader.connection.run(forms.unknown):
        named = ", ".join(f"{name} v{form.v} of {form.release}" for name, form in sorted(unknown.items()))
        _log.warning("log.unknown", forms=named, hint="events of these forms are skipped, and kept")
