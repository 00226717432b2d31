"""Opens the log and a consumer's own database, and leaves a fresh one where the consumer has to begin anew.

Where that is made beside the old one, it takes the old one's name when it has caught up.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import structlog

from bot.consumers.consumer import Consumer
from bot.consumers.opened import Opened, shared_upto
from bot.consumers.running import within
from bot.consumers.store import Checkpoint, Store, discard, fold_in, put
from bot.eventlog.database import sync_folder
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader
from bot.eventlog.pages import position_before, read_history, time_at

_log = structlog.get_logger()


class Anew(Exception):
    """Close everything and open it again: another database has the name."""


class Opening:
    """Opens what a consumer needs to follow the log at ``location``; its database is a file in ``folder``."""

    def __init__(self, consumer: Consumer, location: Location, folder: Path) -> None:
        self._consumer = consumer
        self._location = location
        self.path = folder / f"{consumer.name}.db"
        self._draft = folder / f"{consumer.name}.db.new"

    @property
    def _in_memory(self) -> bool:
        return self._consumer.rebuild == "in memory"

    async def open(self, stack: AsyncExitStack) -> Opened:
        """Open log and database, to be closed with ``stack``."""
        reader = await open_reader(self._location)
        stack.push_async_callback(reader.close)
        history = await reader.connection.run(read_history)
        rebuilding = not self._in_memory and self._draft.exists()
        store = await Store.open(None if self._in_memory else self._draft if rebuilding else self.path)
        stack.push_async_callback(store.close)
        return Opened(reader, store, history, rebuilding=rebuilding)

    async def prepare(self, opened: Opened) -> None:
        """Find where to go on, and have the consumer make its tables; raise Anew where it has to begin anew."""
        checkpoint = await opened.store.checkpoint()
        if checkpoint is not None:
            opened.position = (await self._settled(opened, checkpoint)).position
        elif begins_at := self._consumer.begins_at():
            opened.position = await opened.reader.connection.run(partial(position_before, begins_at))
        opened.saved = opened.position
        recorded_at = await opened.reader.connection.run(lambda raw: time_at(raw, opened.position))
        await opened.store.write(
            lambda: within(self._consumer.timeout, self._consumer.prepare(opened.store.connection)),
            lambda raw: put(raw, self.place(opened, opened.position, recorded_at)),
        )

    def place(self, opened: Opened, position: int, recorded_at: int) -> Checkpoint:
        """Return the checkpoint of a consumer that has read up to a position."""
        history = opened.history
        return Checkpoint(position, recorded_at, history.incarnation, history.log_id, self._consumer.version)

    async def _settled(self, opened: Opened, checkpoint: Checkpoint) -> Checkpoint:
        """Return where to go on from; raise Anew where the consumer has to begin anew."""
        shared = await opened.reader.connection.run(partial(shared_upto, opened.history, checkpoint))
        why = ""
        if shared < checkpoint.position:
            why = f"the log was restored or replaced: it shares the events up to {shared} with the one that was read"
        elif checkpoint.version != self._consumer.version:
            why = f"its version is {self._consumer.version}, and was {checkpoint.version}"
        if not why:
            return checkpoint
        if self._consumer.rebuild == "by hand":
            _log.warning("consumer.goes_on", consumer=self._consumer.name, reason=why, position=shared)
            return checkpoint._replace(position=shared)
        await self.begin_anew(opened, why)
        raise AssertionError

    async def begin_anew(self, opened: Opened, why: str) -> None:
        """Leave a fresh database where the next opening finds it, and raise Anew."""
        how = self._consumer.rebuild
        _log.info("consumer.begins_anew", consumer=self._consumer.name, reason=why, how=how)
        if self._in_memory:
            raise Anew  # its database goes when it is closed
        path = self._draft if how == "beside" else self.path
        if opened.rebuilding or path == self.path:
            await opened.store.close()
        await asyncio.to_thread(discard, path)
        fresh = await Store.open(path)
        await fresh.close()
        raise Anew

    async def swap(self, opened: Opened) -> None:
        """Give the database that was made beside the name, and raise Anew.

        Raises sqlite3.OperationalError while the old one is read.
        """
        await opened.store.close()
        await asyncio.to_thread(fold_in, self._draft)
        if self.path.exists():
            await asyncio.to_thread(fold_in, self.path)
        self._draft.replace(self.path)
        sync_folder(self.path.parent)
        _log.info("consumer.rebuilt", consumer=self._consumer.name, position=opened.position)
        raise Anew
