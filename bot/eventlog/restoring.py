"""Restoring: a backup takes the place of a log, and the log knows that it did.

The restored log is made whole beside the present one and takes its name at last, so a process that dies leaves the
one or the other. What was there moves into a folder of its own and is not deleted. The log gets a new *incarnation*:
anchors and followers see that what came after the backup is gone, and the bot asks Discord what it had answered since
(see :mod:`bot.core.beginning`).
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from bot.core.events import (
    ChannelDeleted,
    Draft,
    ErasureReason,
    Event,
    LogRestored,
    MessageDeleted,
    Recorded,
    Span,
    WordsErased,
)
from bot.core.streams import BOT_STREAM
from bot.errors import LogDamaged, LogError, LogIncomplete, LogUnwritable
from bot.eventlog import backup, database, header, keys, opening, verify
from bot.eventlog.anchor import incarnation_of
from bot.eventlog.backup import OnProgress
from bot.eventlog.location import SCRATCH, Location
from bot.eventlog.log import EventLog, open_log, open_reader
from bot.eventlog.owner import Ownership
from bot.eventlog.plain_files import prepare_folder, require_plain
from bot.eventlog.query import Query
from bot.eventlog.sqlite_errors import translated
from bot.eventlog.tail import newest_position
from bot.eventlog.transactions import transaction
from bot.eventlog.vault import Vault
from bot.eventlog.wal import shm_path, wal_path
from bot.times import utc

ERASURES = (WordsErased.TYPE, MessageDeleted.TYPE, ChannelDeleted.TYPE)
"""The types of the events that are receipts of an erasure. Those since the backup are recorded again."""

REPLACED = "replaced-"
"""What the names of folders begin with that hold a log which a backup replaced."""
_ERASED = """
SELECT position, version, recorded_at, type FROM events
WHERE body_digest IS NOT NULL AND sealed IS NULL AND position <= ?
"""
_LEFT = """
SELECT s.name, e.version FROM json_each(?) AS erased CROSS JOIN events AS e JOIN streams s ON s.id = e.stream_id
WHERE e.position = json_extract(erased.value, '$[0]') AND e.version = json_extract(erased.value, '$[1]')
AND e.recorded_at = json_extract(erased.value, '$[2]') AND e.type = json_extract(erased.value, '$[3]')
AND e.sealed IS NOT NULL ORDER BY s.name, e.version
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """A log after its restoration.

    ``position`` is that of the backup's end, ``erased`` counts events whose words the log before had erased since,
    ``replaced`` is the folder that holds the log before (None: there was none).
    """

    position: int
    incarnation: int
    erased: int
    replaced: Path | None


@dataclass(frozen=True, slots=True)
class _End:
    """Where a log ends; ``log_id`` is "" for one of the first releases."""

    log_id: str
    incarnation: int
    position: int


async def restore(
    source: Path,
    location: Location,
    master: bytes,
    *,
    clock: Callable[[], int],
    force: bool = False,
    progress: OnProgress = lambda _what, _done, _total: None,
) -> Restored:
    """Put the backup ``source``, whose key is ``master``, in the place of the log at ``location``.

    Raises LogLocked while a process owns the log; LogError when the log there is newer, another one or unreadable, or
    when the backup may be incomplete, unless ``force`` says to go on; LogDamaged when the backup is damaged.
    """
    require_plain(source, location.key_path)
    header.inspect(source)
    alone = _is_half(source, force=force)
    prepare_folder(location.folder)
    ownership = Ownership(location.folder)
    ownership.acquire(clock())
    scratch = location.folder / SCRATCH
    try:
        present = _end(location) if location.has_log() else None
        draft = _fresh(scratch)
        _copy(source, draft, master, progress, alone=alone)
        end = database.look(draft, _read_end)
        if location.has_log():
            _require_older(location, present, end, force=force)
        last = max(end.incarnation, present.incarnation if present and present.log_id == end.log_id else 0)
        restored = await _begin(Location(scratch, key=master), end.position, last + 1, clock, location, present)
        replaced = _set_aside(location, clock())
        draft.replace(location.database)
        database.sync_folder(location.folder)
        return Restored(end.position, last + 1, restored, replaced)
    except OSError as error:
        raise LogUnwritable(
            f"The log can't be restored in {location.folder}: {error.strerror}. Check its permissions and the space "
            "on its disk."
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        ownership.release()


def _is_half(source: Path, *, force: bool) -> bool:
    """Tell whether only the database file itself is taken, because what belongs to it is missing."""
    try:
        opening.see(source)
    except LogIncomplete:
        if not force:
            raise
        return True
    return False


def _end(location: Location) -> _End | None:
    """Return where a log ends, None when that can't be read."""
    try:
        return database.look(location.database, _read_end)
    except LogError:
        return None


def _read_end(connection: sqlite3.Connection) -> _End:
    row = connection.execute("SELECT value FROM meta WHERE name = 'log_id'").fetchone()
    return _End(bytes(row[0]).hex() if row else "", incarnation_of(connection), newest_position(connection))


def _require_older(location: Location, present: _End | None, end: _End, *, force: bool) -> None:
    """Raise LogError unless the log that is there holds nothing that the backup lacks."""
    if force:
        return
    if present is None:
        why = "can't be read, so nobody knows what it holds beyond the backup"
    elif present.log_id != end.log_id:
        why = "is another log than the backup's"
    elif (present.incarnation, present.position) > (end.incarnation, end.position):
        why = f"is newer than the backup: it ends at position {present.position}, and the backup at {end.position}"
    else:
        return
    raise LogError(
        f"The log in {location.folder} {why}. To put the backup in its place all the same, add --force: what is there "
        "is moved into a folder beside it, and not deleted."
    )


def _fresh(scratch: Path) -> Path:
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    draft = scratch / database.FILE_NAME
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return draft


def _copy(source: Path, draft: Path, master: bytes, progress: OnProgress, *, alone: bool) -> None:
    """Copy a backup, verify the copy, and take away what says that it is one."""
    with translated(), closing(sqlite3.connect(draft, isolation_level=None)) as copy:
        connecting = database.connection_alone if alone else database.connection_for_reading
        with closing(connecting(source)) as connection:
            vault = Vault(keys.read(connection, master))
            connection.backup(
                copy,
                pages=backup.PAGES,
                progress=lambda _, left, pages: progress("copy", pages - left, pages),
            )
        copy.execute("PRAGMA journal_mode = DELETE").fetchone()
        with transaction(copy):
            opening.unmark(copy)
            copy.execute("DELETE FROM meta WHERE name = ?", (opening.BACKUP,))
    _verify(draft, vault, progress)


def _verify(draft: Path, vault: Vault, progress: OnProgress) -> None:
    done = 0
    with closing(database.connection_for_reading(draft)) as connection:
        (total,) = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
        for page in verify.pages(connection, vault):
            if page.faults:
                raise LogDamaged(
                    f"Something is wrong with the backup ({page.faults[0]}). Nothing was changed: take another one."
                )
            done += page.events
            progress("verify", done, total)


async def _begin(
    scratch: Location,
    upto: int,
    incarnation: int,
    clock: Callable[[], int],
    location: Location,
    present: _End | None,
) -> int:
    """Record the restoration in the restored log, and erase what was erased since the backup; return how much."""
    same = present is not None and present.log_id == database.look(scratch.database, _read_end).log_id
    log = await open_log(scratch, clock=clock)
    try:
        before = (await log.reader.stats()).bodies
        await log.append(BOT_STREAM, [Draft(LogRestored(incarnation=incarnation, position=upto))])
        if same:
            await _erase_again(log, await erasures_since(location, upto), erased_in(location, upto))
        return before - (await log.reader.stats()).bodies
    finally:
        await log.close()


async def erasures_since(location: Location, position: int) -> list[Recorded]:
    """Return the receipts of erasures that a log recorded after ``position``; none where they can't be read."""
    with suppress(LogError):
        reader = await open_reader(location, words=False)
        try:
            query = Query(types=ERASURES, after_position=position)
            return [recorded async for recorded in reader.events(query)]
        finally:
            await reader.close()
    return []


def erased_in(location: Location, position: int) -> list[tuple[int, int, int, str]]:
    """Return which events up to ``position`` have lost their words: position, version, time and type of each.

    This needs no receipts, and sees what was erased by a release that wrote none.
    """
    with suppress(LogError):
        return database.look(location.database, lambda raw: raw.execute(_ERASED, (position,)).fetchall())
    return []


async def _erase_again(
    log: EventLog, receipts: Sequence[Recorded], erased: Sequence[tuple[int, int, int, str]]
) -> None:
    """Record the receipts again, as far as they are for events of this log, and one for what has none."""
    for receipt in receipts:
        event: Event | None = receipt.event
        if isinstance(event, WordsErased):
            mine = [version for stream, version in await _left(log, erased) if stream == receipt.stream]
            event = _cut(event, [version for version in mine if event.covers(version)])
        if event is not None and await log.reader.head(receipt.stream):
            await log.append(receipt.stream, [Draft(event)])
    for stream, rows in groupby(await _left(log, erased), itemgetter(0)):
        receipt_of_rest = WordsErased(reason=ErasureReason.EARLIER, versions=())
        if (event := _cut(receipt_of_rest, [version for _, version in rows])) is not None:
            await log.append(stream, [Draft(event)])


async def _left(log: EventLog, events: Sequence[tuple[int, int, int, str]]) -> list[tuple[str, int]]:
    """Return stream and version of those of the events that are in this log, too, and have their words there."""
    listed = json.dumps(events)
    return await log.reader.connection.run(lambda raw: raw.execute(_LEFT, (listed,)).fetchall())


def _cut(receipt: WordsErased, versions: Sequence[int]) -> WordsErased | None:
    """Return a receipt for these versions alone, None if there are none."""
    spans = tuple(Span(version, version) for version in versions)
    return receipt.model_copy(update={"versions": spans}) if spans else None


def replaced_in(folder: Path) -> list[Path]:
    """Return the folders of the logs that a backup replaced, the oldest first."""
    return sorted(path for path in folder.glob(f"{REPLACED}*") if path.is_dir())


def _set_aside(location: Location, now: int) -> Path | None:
    """Give what is there of a log a second place, in a folder of its own, and return that."""
    present = location.database
    beside = [path for path in (wal_path(present), shm_path(present)) if path.exists()]
    if not (location.has_log() or beside):
        return None
    replaced = location.folder / f"{REPLACED}{utc(now):%Y%m%dT%H%M%S%fZ}"
    replaced.mkdir(mode=0o700)
    for path in beside:
        # Until the new one takes its place the database stays, and says if what was beside it is missing.
        path.rename(replaced / path.name)
    if location.has_log():
        try:
            (replaced / present.name).hardlink_to(present)
        except OSError:
            shutil.copy2(present, replaced / present.name)
    database.sync_folder(replaced)
    return replaced
