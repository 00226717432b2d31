"""All consumers of a running bot: each in a task of its own, told of commits and of what people want."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

from bot.consumers.consumer import Consumer
from bot.consumers.follower import PATIENCE, Follower, Patience
from bot.consumers.running import within
from bot.consumers.status import State, Status
from bot.consumers.wishes import Wishes
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from bot.eventlog.tail import newest_position
from bot.moderation.context import Following

FOLDER = "consumers"
"""The folder of their databases, within the log's."""
LOOK_EVERY = 1.0
"""Seconds between two looks at what the command line wants."""
CLOSING_SECONDS = 2.0

_log = structlog.get_logger()


class Consumers:
    """Runs consumers over a log; ``clock`` returns microseconds since the epoch."""

    def __init__(self, consumers: Sequence[Consumer], clock: Callable[[], int], patience: Patience = PATIENCE) -> None:
        self._consumers = tuple(consumers)
        self._clock = clock
        self._patience = patience
        self._followers: tuple[Follower, ...] = ()
        self._statuses = {each.name: Status(each.name) for each in self._consumers}
        self.head = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all consumers."""
        return tuple(self._statuses)

    def status(self, name: str) -> Status:
        """Return how a consumer is doing."""
        return self._statuses[name]

    def lag(self, name: str) -> int:
        """Return how many events a consumer is behind the log."""
        return max(0, self.head - self._statuses[name].position)

    def following(self) -> tuple[Following, ...]:
        """Return how all of them are doing."""
        return tuple(
            Following(each.name, each.state, each.position, self.lag(each.name), each.parked, each.trouble)
            for each in self._statuses.values()
        )

    @property
    def trouble(self) -> str:
        """Return which consumers do not get on, and why; "" when all do."""
        ill = (each for each in self._statuses.values() if each.state in (State.WAITING, State.STOPPED))
        return "; ".join(f"{each.name} is {each.state.value}: {each.trouble}" for each in ill)

    @asynccontextmanager
    async def of(self, log: EventLog, folder: Path | None = None) -> AsyncIterator[None]:
        """Run the consumers within the context; ``folder`` is theirs, if it is not the one within the log's."""
        if not self._consumers:
            yield
            return
        location = log.location
        folder = folder or location.folder / FOLDER
        wishes = Wishes(folder)
        log.on_committed.append(self._committed)
        self.head = await log.aside.connection.run(newest_position)
        self._start(location, folder)
        with suppress(sqlite3.Error):
            await self.look(wishes)
        tasks = [
            *(asyncio.create_task(each.run(), name=f"consumer {each.status.name}") for each in self._followers),
            asyncio.create_task(self._watch(wishes), name="consumers' wishes"),
        ]
        try:
            yield
        finally:
            log.on_committed.remove(self._committed)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await self._close()

    def _start(self, location: Location, folder: Path) -> None:
        self._followers = tuple(
            Follower(each, location, folder, self._clock, self._patience) for each in self._consumers
        )
        self._statuses = {each.status.name: each.status for each in self._followers}

    def _committed(self, events: int) -> None:
        self.head += events
        for follower in self._followers:
            follower.wake.set()

    async def look(self, wishes: Wishes) -> None:
        """Tell the consumers what people want of them; raise sqlite3.Error."""
        wanted = await asyncio.to_thread(wishes.read)
        for follower in self._followers:
            if follower.wanted != wanted:
                follower.wanted = wanted
                follower.wake.set()

    async def _watch(self, wishes: Wishes) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self.look(wishes)
            except sqlite3.Error as error:
                _log.warning("consumers.unread_wishes", reason=type(error).__name__)

    async def _close(self) -> None:
        for each in self._consumers:
            try:
                await within(CLOSING_SECONDS, each.close())
            except Exception as error:  # noqa: BLE001 - the bot has to end, whatever a consumer does
                _log.warning("consumer.unclosed", consumer=each.name, error=type(error).__name__)
