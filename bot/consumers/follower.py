"""Follows the log for one consumer: reads a page, hands it over, commits the consumer's place with what it wrote.

Whatever goes wrong with a database or with what the consumer writes to, everything is closed, and opened again after a
pause that grows. The place in the log is the one that was committed, so nothing is missed and nothing is done twice in
the consumer's own database.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import structlog

from bot.backoff import backoff
from bot.consumers.consumer import Away, Batch, Consumer, Refused, Stop
from bot.consumers.opened import Failed, Opened, is_of_disk
from bot.consumers.opening import Anew, Opening
from bot.consumers.running import Hanging, Overdue, within
from bot.consumers.status import State, Status
from bot.consumers.store import Checkpoint, Parked, put, unpark
from bot.consumers.wishes import Wanted, Wish, Wishes
from bot.core.events import Body, Recorded
from bot.errors import LogError
from bot.eventlog.codec import separated
from bot.eventlog.location import Location
from bot.eventlog.pages import Page, read_page
from bot.loading import place_of

GATHER = 0.01
"""Seconds between a commit and reading it, in which more may come: so a busy log costs few batches."""
UNSAVED = 10_000
"""How many events that it does not want a consumer passes before its place is saved."""
MOST_PARKED = 1000
"""A consumer with so many parked events is stopped: the mistake is its own."""

_log = structlog.get_logger()


class Patience(NamedTuple):
    """How often an event that fails is tried, and the longest pause between tries and in trouble (seconds)."""

    attempts: int = 5
    longest: float = 30.0


PATIENCE = Patience()


class Follower:
    """Follows the log for a consumer; :meth:`run` is its task. ``clock`` returns microseconds since the epoch."""

    def __init__(
        self,
        consumer: Consumer,
        location: Location,
        folder: Path,
        clock: Callable[[], int],
        patience: Patience = PATIENCE,
    ) -> None:
        self.consumer = consumer
        self.status = Status(consumer.name)
        self.wake = asyncio.Event()
        self.wanted = Wanted()
        self._opening = Opening(consumer, location, folder)
        self._wishes = Wishes(folder)
        self._fulfilled: set[int] = set()
        self._clock = clock
        self._patience = patience
        self._types = [kind.TYPE for kind in consumer.types]

    @property
    def path(self) -> Path:
        """Return the path of the consumer's database."""
        return self._opening.path

    async def run(self) -> None:
        """Follow until cancelled, or until the consumer hangs."""
        failures = 0
        while True:
            before = self.status.position
            pause = 0.0
            try:
                async with AsyncExitStack() as stack:
                    await self._follow(await self._open(stack))
            except Anew:
                continue
            except (Hanging, Stop) as error:
                self._stopped(str(error) or "it goes on although it was cancelled; correct it and restart the bot")
                return
            except Away as error:
                self._waits(error.reason)
                pause = error.retry_after or 0.0
            except (LogError, sqlite3.Error, OSError) as error:
                self._waits(f"{type(error).__name__}: {error}")
            except Exception as error:  # noqa: BLE001 - prepare() is the consumer's own
                self._waits(place_of(error))
            failures = 1 if self.status.position > before else failures + 1
            await asyncio.sleep(pause or backoff(failures, self._patience.longest))

    def _waits(self, reason: str) -> None:
        if self.status.trouble != reason:
            _log.warning("consumer.waits", consumer=self.status.name, reason=reason)
        self.status.state, self.status.trouble = State.WAITING, reason
        self.status.errors += 1

    def _stopped(self, reason: str) -> None:
        self.status.state, self.status.trouble = State.STOPPED, reason
        _log.error("consumer.stopped", consumer=self.status.name, reason=reason)

    async def _open(self, stack: AsyncExitStack) -> Opened:
        opened = await self._opening.open(stack)
        # Before the consumer makes its tables, which may be what fails.
        await self._obey(opened, ("reset",))
        await self._opening.prepare(opened)
        self.status.position = opened.position
        self.status.parked = len(await opened.store.parked())
        return opened

    async def _follow(self, opened: Opened) -> None:
        while True:
            await self._obey(opened, ("reset", "retry", "drop"))
            if self.status.name in self.wanted.paused:
                self.status.state, self.status.trouble = State.PAUSED, ""
                await self._woken()
                continue
            page = await self._page(opened)
            behind = page.upto < page.head
            self.status.state = (
                State.REBUILDING if opened.rebuilding else State.CATCHING_UP if behind else State.FOLLOWING
            )
            if page.events or page.skipped:
                await self._hand_over(opened, page)
            else:
                await self._pass(opened, page)
            self.status.trouble = ""
            if behind:
                continue
            if opened.rebuilding:
                await self._opening.swap(opened)
            await self._woken()
            await asyncio.sleep(GATHER)

    async def _woken(self) -> None:
        await self.wake.wait()
        self.wake.clear()

    async def _page(self, opened: Opened, alone: int | None = None) -> Page:
        """Return the next page, or the one event at the position ``alone``."""
        after, types, limit = opened.position, self._types, self.consumer.batch_size
        if alone is not None:
            after, types, limit = alone - 1, [], 1
        vault = opened.reader.vault if self.consumer.wants_words else None
        return await opened.reader.connection.run(partial(read_page, after, types, limit, vault))

    async def _pass(self, opened: Opened, page: Page) -> None:
        """Go past events that the consumer does not want."""
        opened.position = self.status.position = page.upto
        if page.upto - opened.saved >= UNSAVED:
            await opened.store.save(self._place(opened, page.upto, page.recorded_at))
            opened.saved = page.upto

    def _place(self, opened: Opened, position: int, recorded_at: int) -> Checkpoint:
        return self._opening.place(opened, position, recorded_at)

    async def _hand_over(self, opened: Opened, page: Page) -> None:
        """Hand a page over: all of it at once, or where that fails its events one by one."""
        end = self._place(opened, page.upto, page.recorded_at)
        parked = [
            Parked(each.position, each.type, f"unreadable: {each.why}", 0, self._clock()) for each in page.skipped
        ]
        opened.unreadable = tuple(each.position for each in parked)
        try:
            await self._handle(opened, page.events, page.words, lambda raw: put(raw, end, parked))
        except Failed as failed:
            self._failed(page.events, failed)
            for _, same in groupby(page.events, attrgetter("position")):
                await self._one(opened, tuple(same), page.words)
            await opened.store.save(end, parked)
        opened.unreadable = ()
        self._reached(opened, page.upto)
        self._note_parked(parked)

    async def _one(self, opened: Opened, events: Sequence[Recorded], words: Mapping[int, Body]) -> None:
        """Hand one event over, again and again with pauses, and park it when it fails for the last time.

        ``events`` are more than one where an older release recorded them as one.
        """
        recorded = events[0]
        end = self._place(opened, recorded.position, recorded.recorded_at)
        error = ""
        for attempt in range(1, self._patience.attempts + 1):
            try:
                await self._handle(opened, events, words, lambda raw: put(raw, end))
            except Failed as failed:
                self._failed(events, failed)
                error = failed.what
            else:
                self._reached(opened, recorded.position)
                return
            if attempt < self._patience.attempts:
                await asyncio.sleep(backoff(attempt, self._patience.longest))
        parked = Parked(recorded.position, recorded.event.TYPE, error, self._patience.attempts, self._clock())
        await opened.store.save(end, (parked,))
        self._reached(opened, recorded.position)
        self._note_parked((parked,))

    async def _handle(
        self,
        opened: Opened,
        events: Sequence[Recorded],
        words: Mapping[int, Body],
        finish: Callable[[sqlite3.Connection], object],
    ) -> None:
        """Have the consumer handle events; raise Failed when it does not, and Away, Hanging or an error of ours."""
        store = opened.store
        batch = Batch(events, words, store.connection, opened.history, opened.unreadable)

        async def handled() -> None:
            if events:
                await self._guarded(batch)

        await store.write(handled, finish)

    async def _guarded(self, batch: Batch) -> None:
        try:
            await within(self.consumer.timeout, self.consumer.handle(batch))
        except (Away, Hanging, Stop):
            raise
        except Refused as error:
            raise Failed(error.reason) from error
        except Overdue as error:
            await batch.database.interrupt()
            raise Failed(f"it took longer than {self.consumer.timeout:g} s") from error
        except Exception as error:
            if isinstance(error, sqlite3.OperationalError) and is_of_disk(error):
                raise
            raise Failed(place_of(error)) from error

    def _failed(self, events: Sequence[Recorded], failed: Failed) -> None:
        self.status.errors += 1
        first, last = events[0].position, events[-1].position
        _log.warning("consumer.failed", consumer=self.status.name, first=first, last=last, error=failed.what)

    def _note_parked(self, parked: Sequence[Parked]) -> None:
        """Count events that were parked, and name them; raise Stop when they have become too many."""
        self.status.parked += len(parked)
        for each in parked:
            _log.error(
                "consumer.parked", consumer=self.status.name, position=each.position, type=each.type, error=each.error
            )
        if parked and self.status.parked >= MOST_PARKED:
            raise Stop(
                f"it has {MOST_PARKED} parked events; correct it, `echoless consumers reset` it, restart the bot"
            )

    def _reached(self, opened: Opened, position: int) -> None:
        opened.position = opened.saved = self.status.position = position

    async def _obey(self, opened: Opened, what: Collection[str]) -> None:
        """Do what is wanted of this consumer, in order. A wish that was fulfilled may be seen once more."""
        for wish in self.wanted.wishes:
            if wish.consumer != self.status.name or wish.number in self._fulfilled or wish.what not in what:
                continue
            try:
                await self._fulfil(opened, wish)
            except Anew:
                await self._done(wish)
                raise
            await self._done(wish)
            self.status.parked = len(await opened.store.parked())

    async def _done(self, wish: Wish) -> None:
        self._fulfilled.add(wish.number)
        await asyncio.to_thread(self._wishes.fulfilled, wish.number)

    async def _fulfil(self, opened: Opened, wish: Wish) -> None:
        match wish.what:
            case "drop":
                await opened.store.drop(wish.position)
            case "retry":
                await self._retry(opened, wish)
            case "reset":
                await self._opening.begin_anew(opened, "somebody asked for it")

    async def _retry(self, opened: Opened, wish: Wish) -> None:
        """Hand parked events over again, each once; those that fail stay parked."""
        parked = [each for each in await opened.store.parked() if wish.position in (None, each.position)]
        for each in parked:
            page = await self._page(opened, each.position)
            events = separated(list(page.events), self._types)
            if not events:
                continue  # it still can't be read
            try:
                await self._handle(opened, events, page.words, partial(unpark, position=each.position))
            except Failed as failed:
                self._failed(events, failed)
                again = each._replace(error=failed.what, attempts=1, parked_at=self._clock())
                here = await opened.store.checkpoint()
                if here is not None:
                    await opened.store.save(here, (again,))
