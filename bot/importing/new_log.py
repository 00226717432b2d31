"""A new log is made of an export: aside, and verified before it takes its place.

A process that is killed leaves no log, and is run again. The log then says of itself that it was restored: between its
export and now the bot may have answered, and only Discord knows (see :mod:`bot.eventlog.restoring`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from bot.core.events import Draft, LogImported
from bot.core.streams import BOT_STREAM
from bot.errors import Unimportable
from bot.eventlog import moving
from bot.eventlog.backup import OnProgress
from bot.eventlog.key_file import KEY_BYTES, has_key, read_key, write_key
from bot.eventlog.location import DRAFT, Location
from bot.eventlog.log import open_log, open_reader
from bot.eventlog.plain_files import prepare_folder
from bot.eventlog.query import Query
from bot.eventlog.restoring import restore
from bot.importing.exported import Checked, rows


async def is_there(location: Location, digest: str) -> bool:
    """Tell whether a log was made of this export; raise Unimportable where the folder holds any other log."""
    if not location.has_log():
        return False
    reader = await open_reader(location, words=False)
    try:
        imports = [each.event async for each in reader.events(Query(types=(LogImported.TYPE,)))]
    finally:
        await reader.close()
    if any(isinstance(event, LogImported) and event.digest == digest for event in imports):
        return True
    raise Unimportable(
        f"There is a log in {location.folder}, and an export becomes a log of its own: name a new folder by --log."
    )


async def make(
    path: Path, checked: Checked, location: Location, *, clock: Callable[[], int], progress: OnProgress
) -> None:
    """Make a log of an export that was checked, where :func:`is_there` found none."""
    prepare_folder(location.folder)
    draft = Location(location.folder / DRAFT, key=_key(location))
    shutil.rmtree(draft.folder, ignore_errors=True)
    try:
        await (await open_log(draft, clock=clock, full=False)).close()
        moving.write(draft, rows(path, checked.events), progress=lambda done: progress("write", done, checked.events))
        log = await open_log(draft, clock=clock, full=False)
        try:
            imported = LogImported(position=checked.events, digest=checked.digest, lost=checked.lost)
            await log.append(BOT_STREAM, [Draft(imported)])
        finally:
            await log.close()
        await restore(draft.database, location, draft.key or b"", clock=clock, progress=progress)
    finally:
        shutil.rmtree(draft.folder, ignore_errors=True)


def _key(location: Location) -> bytes:
    """Return the key for the new log: the one that is given, or a fresh one, which is on the disk from now on."""
    if location.key is not None:
        return location.key
    if not has_key(location.key_path):
        write_key(location.key_path, os.urandom(KEY_BYTES))
    return read_key(location.key_path)
