"""The event log: one folder, one owner, one writer, any number of readers."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from io import FileIO

from bot.core.conversation import Conversation
from bot.core.events import Draft
from bot.errors import LogError
from bot.eventlog import database, forms, header, keys, opening, own_folds, partitions, snapshots
from bot.eventlog.batch import Append, Appended
from bot.eventlog.began import Began, read_began
from bot.eventlog.checkpoints import Checkpointer
from bot.eventlog.codec import lifting
from bot.eventlog.database import Connection
from bot.eventlog.finished import Finish
from bot.eventlog.key_file import has_key, make_key
from bot.eventlog.lifting import lift
from bot.eventlog.location import DRAFT, SCRATCH, Location
from bot.eventlog.master import find_master, given_key, settle_rotation, vault_of
from bot.eventlog.owner import Ownership
from bot.eventlog.plain_files import prepare_folder, require_own, require_plain
from bot.eventlog.quarantine import Quarantine
from bot.eventlog.reader import Reader
from bot.eventlog.remote import opening as remote
from bot.eventlog.remote import unlocking
from bot.eventlog.remote.appending import Remote
from bot.eventlog.remote.standing import Standing
from bot.eventlog.vault import Vault
from bot.eventlog.writer import Writer


class EventLog:
    """The log, opened for appending. Make one with :func:`open_log`.

    ``aside`` is a second reading connection, for long reads that would make other readers wait. The functions in
    ``on_committed`` are called after each commit with its number of events; they must neither wait nor raise.
    """

    def __init__(
        self,
        location: Location,
        writer: Writer,
        reader: Reader,
        aside: Reader,
        checkpointer: Checkpointer,
        ownership: Ownership,
        began: Began,
        owned: remote.Owned | None = None,
    ) -> None:
        self.location = location
        self.reader = reader
        self.aside = aside
        self.began = began
        self.on_committed: list[Callable[[int], None]] = [checkpointer.wrote]
        self._writer = writer
        self._ownership = ownership
        self._checkpointer = checkpointer
        self._owned = owned
        if owned is not None:
            owned.start()
        writer.on_written = self._committed
        self._task = asyncio.create_task(writer.run(), name="log writer")
        self._copying = asyncio.create_task(checkpointer.run(), name="log checkpoints")

    @property
    def depth(self) -> int:
        """Return how many requests wait for the writer."""
        return self._writer.depth

    @property
    def remote(self) -> Remote:
        """Return what brings commits to the engine that keeps the log; only for a log that one keeps."""
        if self._owned is None:
            raise LogError("The log is kept in its folder.")
        return self._owned.remote

    @property
    def standing(self) -> Standing | None:
        """Return how this process stands to the engine that keeps the log; None where none does."""
        return self._owned.standing if self._owned else None

    @property
    def trouble(self) -> str:
        """Return why the engine that keeps the log can't be asked, so that appends wait; "" if all is well."""
        return self._owned.remote.trouble if self._owned else ""

    def is_owner(self) -> bool:
        """Tell whether the log is this process's for certain: an owner whom an engine can't hear is replaced."""
        return self._owned is None or self._owned.heart.alive

    async def lost(self) -> LogError:
        """Wait until nothing can be appended any more, as when another process took the log over; return why."""
        never: asyncio.Future[LogError] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._owned.remote.lost if self._owned else never)

    def hurry(self) -> None:
        """Let appends wait no longer than some seconds for an engine that is away, because the bot stops."""
        if self._owned is not None:
            self._owned.remote.hurry()

    def _committed(self, events: int) -> None:
        for tell in self.on_committed:
            tell(events)

    async def append(self, stream: str, drafts: Sequence[Draft], *, expected_version: int | None = None) -> Appended:
        """Append ``drafts`` together or not at all, and return what is recorded.

        When a draft's dedupe key is recorded already, nothing is appended and the events already there come back as
        ``known``. Raises VersionConflict, which names both versions, and LogError when the log can't be written.
        """
        return (await self._writer.append(Append(stream, (drafts,), expected_version)))[0]

    def append_units(
        self, stream: str, units: Sequence[Sequence[Draft]], *, expected_version: int | None = None
    ) -> asyncio.Future[list[Appended]]:
        """Queue units for one transaction at once; they are appended in order, up to and including the first known one.

        The units after a known one were decided as if that one were new. They are not appended: the result is shorter
        than ``units``, and the caller decides them again.
        """
        return self._writer.append(Append(stream, units, expected_version))

    async def save_snapshot(self, stream: str, state: Conversation) -> None:
        """Store a snapshot of ``state``."""
        await self._writer.write(partial(snapshots.save, stream=stream, state=state, now=self._writer.clock()))

    async def save_own_snapshot(self, stream: str, at: own_folds.AnyAt) -> int:
        """Store a snapshot of a program's own fold; return its size as JSON, 0 where it can't be kept as that."""
        return int(await self._writer.write(partial(own_folds.save, stream=stream, at=at, now=self._writer.clock())))

    async def finish(self, stream: str, version: int) -> None:
        """Note that ``stream`` has no work left at ``version``. Does nothing when the stream has a newer version."""
        await self._writer.write(Finish(stream, version))

    async def probe(self) -> None:
        """Write something small; raise LogError while the log can't be written."""
        await self.note("probe", os.urandom(8))

    async def note(self, name: str, value: bytes) -> bool:
        """Store ``value`` under a name, beside the events; tell whether it is another one than before."""
        sql = (
            "INSERT INTO meta (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value"
        )
        return bool(await self._writer.write(lambda connection: connection.execute(sql, (name, value)).rowcount))

    async def forget_snapshots(self, stream: str) -> int:
        """Delete the snapshots of ``stream``, those of own folds too, and return how many there were."""
        return int(await self._writer.write(partial(snapshots.forget, stream=stream)))

    async def empty_wal(self) -> bool:
        """Empty the write-ahead log, in which older pages are left; tell whether that could be done at once.

        Otherwise it is done as soon as nobody reads an older state of the log. An engine that keeps the log has to be
        rid of erased words by then, too.
        """
        emptied = await self._checkpointer.empty()
        return emptied and (self._owned is None or await self._owned.erasing.done())

    async def close(self) -> None:
        """Write all waiting requests, close the file and release the folder."""
        self.hurry()
        self._writer.close()
        await self._task
        self._copying.cancel()
        await asyncio.wait((self._copying,))
        if self._owned is not None:
            await self._owned.close()
        await self._checkpointer.close()
        await self.reader.close()
        await self.aside.close()
        with suppress(LogError, ValueError):  # a second time there is no connection
            await self._writer.connection.run(opening.unmark)
        await self._writer.connection.close()
        self._checkpointer.file.close()
        self._ownership.release()


async def open_log(
    location: Location,
    *,
    clock: Callable[[], int],
    full: bool = True,
    accept_unknown: bool = False,
    on_migration: Callable[[int], None] = lambda _size: None,
    engine: remote.Engine | None = None,
) -> EventLog:
    """Open the log in a folder as its one owner; make the folder if it is missing.

    ``clock`` returns microseconds since the epoch; ``full`` syncs every commit to the disk. ``on_migration`` is called
    with the file's size in bytes before an older release's log is brought up to date, which may take a while.
    ``accept_unknown`` goes on where a newer release wrote what this one does not know, instead of refusing it.
    ``engine`` keeps the log, if the folder is to be only a view of it. Raises LogLocked, LogUnwritable, LogDamaged,
    LogIncomplete, LogExposed, LogForeign or KeyMismatch before it changes anything.
    """
    lifting()
    _prepare(location)
    older = location.has_log() and header.inspect(location.database) < len(database.migrations())
    ownership = Ownership(location.folder)
    ownership.acquire(clock())
    async with AsyncExitStack() as undo:
        undo.callback(ownership.release)
        # A restoration or an import that was killed leaves a copy of everybody's words.
        for left in (SCRATCH, DRAFT):
            shutil.rmtree(location.folder / left, ignore_errors=True)
        beginning = await _beginning(undo, location, engine) if engine is not None else None
        master = _unlock(location, clock, accept_unknown=accept_unknown, beginning=beginning)
        # A view that lost its newest commits with the power takes them over from its engine again.
        full = full and engine is None
        file = undo.enter_context(FileIO(location.database))
        writing = await _closed_by(undo, database.connect_writer(location.database, full=full))
        checkpoints = await _closed_by(undo, database.connect_writer(location.database, full=full))
        if older:
            on_migration(location.database.stat().st_size)
        known = await writing.run(partial(lift, master=master, clock=clock))
        # Who can't go on, or is cancelled meanwhile, closes the log as any owner does: nothing in the files is half.
        undo.push_async_callback(writing.run, opening.unmark)
        await writing.run(partial(opening.mark, path=location.database))
        owned = None
        if engine is not None:
            require = partial(unlocking.require_key, location)
            owned = await remote.own(engine, writing, accept_unknown=accept_unknown, require_key=require)
            known, clock = await writing.run(partial(unlocking.unlock, location)), owned.not_before(clock)
        vault, found = Vault(known), Quarantine()
        reading = await _closed_by(undo, database.connect_reader(location.database))
        aside = await _closed_by(undo, database.connect_reader(location.database))
        began = await aside.run(partial(read_began, clock()))
        undo.pop_all()
    checkpointer = Checkpointer(checkpoints, owned.remote if owned else writing, file)
    reader, beside = Reader(reading, vault, found), Reader(aside, vault, found)
    writer = Writer(writing, vault, clock, owned.remote if owned else None)
    return EventLog(location, writer, reader, beside, checkpointer, ownership, began, owned)


def _prepare(location: Location) -> None:
    """Make the folders that are missing, and refuse files that are no log of ours."""
    prepare_folder(location.undivided.folder)
    partitions.require_room(location)
    prepare_folder(location.folder)
    require_own(location.database, location.key_path)


async def _beginning(undo: AsyncExitStack, location: Location, engine: remote.Engine) -> remote.Beginning:
    """Return how the log in an engine begins, and have ``undo`` disconnect when a later step fails."""
    undo.push_async_callback(engine.partition.close)
    return await engine.beginning(location.partitions, unlocking.keys_wanted(location))


async def _closed_by(undo: AsyncExitStack, connecting: Awaitable[Connection]) -> Connection:
    """Connect, and have ``undo`` close the connection when a later step fails."""
    connection = await connecting
    undo.push_async_callback(connection.close)
    return connection


async def open_reader(location: Location, *, words: bool = True) -> Reader:
    """Open the log for reading only, beside its owner. Without ``words`` no key is needed and none is read.

    Raises LogError when there is no readable log, KeyMismatch when its key is missing or belongs to another log.
    """
    require_log(location)
    vault = vault_of(location) if words else None
    return Reader(await database.connect_reader(location.database), vault)


def require_log(location: Location) -> None:
    """Raise LogError where there is no readable log."""
    lifting()
    if not location.has_log():
        partitions.require_room(location)
        raise LogError(f"There is no log in {location.folder}: start the bot once, or name its folder (log.path).")
    require_plain(location.database, location.key_path)
    header.inspect(location.database)
    opening.see(location.database)


def _unlock(
    location: Location, clock: Callable[[], int], *, accept_unknown: bool, beginning: remote.Beginning | None
) -> bytes:
    """Return the master key of an existing log, or make key and log where there are none.

    ``beginning`` is how the log begins that an engine keeps, None without an engine.
    """
    if location.has_log():
        files = opening.see_as_owner(location.database)
        database.look(location.database, partial(remote.require_kind, is_remote=beginning is not None))
        database.look(location.database, partial(partitions.require_noted, wanted=location.partitions))
        master = find_master(location) if beginning is None else unlocking.master_of_view(location, beginning)
        if not accept_unknown:
            database.look(location.database, forms.require_known)
        database.look(location.database, lambda raw: opening.check(raw, Vault(keys.read(raw, master)), files))
        # A view may not have heard yet of a rotation that its engine knows of.
        return settle_rotation(location, master) if beginning is None else master
    opening.see_nothing(location.database)
    # The words of a log that an engine holds already can be read with its own key alone.
    is_new = (beginning is None or beginning.claim is None) and not location.partition
    if location.partition and beginning is None:
        partitions.require_begun(location)
    made = is_new and location.key is None and not has_key(location.key_path)
    master = make_key(location.key_path) if made else given_key(location)
    if made:
        # Sync the key before anything is sealed, so that no power loss leaves words without their key.
        database.sync_folder(location.key_path.parent)
    if location.partition and beginning is None:
        partitions.require_key(location, master)

    def begin(connection: sqlite3.Connection) -> None:
        partitions.note(connection, location.partitions)
        (beginning.begin if beginning else keys.adopt)(connection, master, clock())

    database.create(location.database, now=clock(), begin=begin)
    return master
