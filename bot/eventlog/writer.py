"""The single writer: it takes everything that waits, commits once, then answers each caller (group commit).

One task owns the only writing connection. On a shared connection, interleaved appends would share a transaction, and
the rollback of one would remove the events of another. Here the event loop turns a request into rows at once, while the
commit before is being written; the writing thread takes whole batches of rows.

When the head of a stream is known, an append to it reads nothing first. The database refuses a repeated key; that batch
is then made again after a look into the log. A request that fails even then is written alone, so that it does not harm
others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from bot.errors import LogError, LogUnwritable
from bot.eventlog.batch import Append, Appended, Batch, Care, Waiting, Work
from bot.eventlog.database import Connection
from bot.eventlog.ledger import Known, Ledger, look_up
from bot.eventlog.sqlite_errors import translated
from bot.eventlog.vault import Vault

HEADS = 20_000
"""How many streams' heads the writer remembers. It reads any other head again before it appends."""

_FEW = 32
"""From this number of callers on, one half is written while the rows of the other are made."""

_IN_FLIGHT = 2
"""How many batches are with the thread: the one it writes, and one that it takes next without waiting for the loop."""


class Elsewhere(Protocol):
    """Keeps batches in another place too, before they count (see :mod:`bot.eventlog.remote`)."""

    def launch(self, batch: Batch) -> asyncio.Future[None]:
        """Write a batch there and here, after those before it; return a future that ends when that is done."""

    async def catch_up(self) -> None:
        """Write here what was written only there; raise LogError where nothing may be appended any more."""


@dataclass(slots=True)
class Writer:
    """Owns the writing connection. :meth:`run` is its task; callers use :meth:`append` and :meth:`write`.

    ``on_written`` is called after each commit with its number of events.
    """

    connection: Connection
    vault: Vault
    clock: Callable[[], int]
    elsewhere: Elsewhere | None = None
    on_written: Callable[[int], None] = lambda _events: None
    _ledger: Ledger = field(init=False)
    _batch: Batch = field(default_factory=Batch)
    _held: deque[Waiting] = field(default_factory=deque)
    _holding: bool = False
    _repeating: set[str] = field(default_factory=set)
    _flying: deque[tuple[Batch, asyncio.Future[None]]] = field(default_factory=deque)
    _sizes: tuple[int, int] = (0, 0)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _closing: bool = False

    def __post_init__(self) -> None:
        self._ledger = Ledger(self.vault, self.vault.keys.chain(), self.clock)

    @property
    def depth(self) -> int:
        """Return how many requests wait for their commit to begin."""
        queued = sum(len(batch.waiting) for batch, _ in islice(self._flying, 1, None))
        return queued + len(self._batch.waiting) + len(self._held)

    def append(self, request: Append) -> asyncio.Future[list[Appended]]:
        """Append unit by unit and return the result for each, up to and including the first that is known already.

        The units after a known one were decided as if that one were new. They are not appended, and the caller decides
        them again.

        Raises VersionConflict when the stream is not at the expected version, LogError when it can't be written.
        """
        return self._enqueue(request)

    def write(self, work: Work) -> asyncio.Future[Any]:
        """Run ``work`` inside the writer's next transaction and return its result."""
        return self._enqueue(work)

    async def run(self) -> None:
        """Serve until :meth:`close`, and write what still waits then."""
        while not self._closing or self._flying or self.depth:
            if self._flying:
                await self._finish(*self._flying[0])
            elif self._batch.waiting:
                self._launch()
            elif self._held:
                await self._release()
            else:
                self._wake.clear()
                await self._wake.wait()

    def close(self) -> None:
        """Let :meth:`run` end once no request waits."""
        self._closing = True
        self._wake.set()

    def _enqueue(self, request: Append | Work) -> asyncio.Future[Any]:
        if self._closing:
            raise LogError("The log is closed: open it again to append.")
        waiting = Waiting(request, asyncio.get_running_loop().create_future())
        if self._holding or self._held or not self._ready(waiting):
            self._held.append(waiting)
        else:
            self._take(waiting, None)
            if self._is_half():
                self._launch()
        self._wake.set()
        return waiting.future

    def _ready(self, waiting: Waiting) -> bool:
        """Tell whether a request can become rows at once; note it when its keys have to be looked up first."""
        request = waiting.request
        if not isinstance(request, Append):
            return True
        if request.stream in self._repeating:
            waiting.care = Care.LOOKED_UP
        return waiting.care is Care.NONE and self._ledger.knows(request.stream)

    def _take(self, waiting: Waiting, known: Known | None) -> None:
        """Add a request to the batch that is written next."""
        request = waiting.request
        if isinstance(request, Append):
            try:
                waiting.outcome = self._ledger.append(self._batch, request, known)
            except Exception as error:  # noqa: BLE001 - the writer outlives whatever one request brings
                waiting.refuse(error)
                return
        self._batch.waiting.append(waiting)

    def _is_half(self) -> bool:
        """Tell whether the batch holds half of all callers, so that it may go to the thread before it has to.

        Elsewhere, a batch takes most of its time on the way, whatever its size. Two halves then take twice as long as a
        whole: SQLite has one transaction at a time, so the second half can't be begun before the first is kept.
        """
        if self.elsewhere:
            return False
        return len(self._flying) < _IN_FLIGHT and 2 * len(self._batch.waiting) >= sum(self._sizes) > _FEW

    def _launch(self) -> None:
        """Give the batch to the writing thread and begin the next one."""
        batch, self._batch = self._batch, Batch(self._batch.line)
        writing = self.elsewhere.launch(batch) if self.elsewhere else self.connection.submit(batch.write)
        self._flying.append((batch, writing))
        self._sizes = len(batch.waiting), self._sizes[0]

    async def _finish(self, batch: Batch, writing: asyncio.Future[None]) -> None:
        """Wait for a commit and launch the next one; answer the callers of the first while the disk works."""
        try:
            with translated():
                await writing
        except Exception as error:  # noqa: BLE001 - the writer outlives whatever one request brings
            self._take_back(batch, error)
            return
        self._flying.popleft()
        if self._batch.waiting and (not self._flying or self._is_half()):
            self._launch()
        for waiting in batch.waiting:
            waiting.answer()
        if len(self._ledger.heads) > HEADS:
            self._ledger.shrink(HEADS, self._unwritten())
        self.on_written(batch.rows)

    def _unwritten(self) -> Collection[int]:
        """Return the ids of the streams whose newest rows are not written yet."""
        return self._batch.streams.union(*(batch.streams for batch, _ in self._flying))

    def _take_back(self, failed: Batch, error: Exception) -> None:
        """Undo a failed commit and the batches made after it; hold their requests for another try, or refuse them."""
        self._ledger.forget(self._unwritten())
        behind = [batch for batch, _ in islice(self._flying, 1, None)] + [self._batch]
        again = [waiting for batch in behind for waiting in batch.waiting]
        self._flying.clear()
        self._batch = Batch()
        if not isinstance(error, LogUnwritable):
            again = [waiting for waiting in failed.waiting if waiting.care is not Care.ALONE] + again
        for waiting in failed.waiting:
            if isinstance(error, LogUnwritable) or waiting.care is Care.ALONE:
                waiting.refuse(error)
            else:
                waiting.care = Care(waiting.care + 1)
        self._held.extendleft(reversed(again))

    async def _release(self) -> None:
        """Look up what held requests need and make their rows: all that can go together, or one that goes alone."""
        alone = self._held[0].care is Care.ALONE
        released = [self._held.popleft()]
        while self._held and not alone and self._held[0].care is not Care.ALONE:
            released.append(self._held.popleft())
        self._holding = True
        try:
            await self._look_up(released)
        except Exception as error:  # noqa: BLE001 - the writer outlives whatever one request brings
            for waiting in released:
                waiting.refuse(error)
        finally:
            self._holding = False

    async def _look_up(self, released: list[Waiting]) -> None:
        asked = [
            (waiting.request, waiting.care is not Care.NONE)
            for waiting in released
            if isinstance(waiting.request, Append)
        ]
        if self.elsewhere:
            await self.elsewhere.catch_up()
        known = await self.connection.run(lambda connection: look_up(connection, asked))
        self._ledger.learn(known)
        careful = any(keys for _, keys in asked)
        for waiting in released:
            self._take(waiting, known if careful else None)
            self._note_repeats(waiting)

    def _note_repeats(self, waiting: Waiting) -> None:
        """Note a stream whose events were known, as in a catch-up: its next requests' keys are looked up first."""
        request = waiting.request
        if not isinstance(request, Append) or waiting.care is Care.NONE or not isinstance(waiting.outcome, list):
            return
        if any(appended.known for appended in waiting.outcome):
            self._repeating.add(request.stream)
        else:
            self._repeating.discard(request.stream)
