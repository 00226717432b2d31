"""A log in an engine is copied into a folder, where it is a log of SQLite of its own. The engine stays as it is.

Until the copy is whole, the folder is a view like any other, with a note that it is to be more. So an interrupted pull
goes on behind what the folder has, and no bot takes the folder for a log before all of it is there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from bot.errors import KeyMismatch, LogError, LogLocked, LogUnwritable
from bot.eventlog import database, keys, partitions
from bot.eventlog.database import Connection
from bot.eventlog.key_file import has_key, write_key
from bot.eventlog.location import Location
from bot.eventlog.owner import Ownership
from bot.eventlog.plain_files import prepare_folder, require_plain
from bot.eventlog.remote import claiming, view
from bot.eventlog.remote.following import Follower, away, follow
from bot.eventlog.remote.opening import Beginning, Engine
from bot.eventlog.remote.owning import Taking
from bot.eventlog.remote.port import Unsure
from bot.eventlog.transactions import transaction
from bot.eventlog.vault import Vault
from bot.eventlog.verify import require_whole

OnProgress = Callable[[int], None]
"""Called with the number of events that the folder has."""


async def pull(
    location: Location,
    master: bytes,
    engine: Engine,
    *,
    clock: Callable[[], int],
    progress: OnProgress = lambda _done: None,
) -> int:
    """Copy the log in the engine into the folder at ``location``; return how many events it has.

    ``master`` is the log's key, which the folder gets too. Raises LogLocked while a process owns the log in the engine
    or the folder, LogError where the folder holds another log or the engine none, KeyMismatch where the key does not
    open it, LogDamaged where verification finds a fault, LogUnwritable while the engine is away.
    """
    prepare_folder(location.folder)
    require_plain(location.database, location.key_path)
    ownership = Ownership(location.folder)
    ownership.acquire(clock())
    try:
        await _begin(location, master, engine, clock())
        connection = await database.connect_writer(location.database, full=True)
        try:
            return await _copied(connection, master, engine, progress)
        finally:
            await connection.close()
    except Unsure as error:
        raise LogUnwritable(away(engine.partition, error)) from error
    finally:
        await engine.partition.close()
        ownership.release()


async def _begin(location: Location, master: bytes, engine: Engine, now: int) -> None:
    """Make the folder a view that is to become a log, unless it is one."""
    beginning = await engine.beginning(location.partitions, partial(_opens, master))
    if beginning.claim is None:
        raise LogError(f"There is no log in {engine.partition.name}: check which database was named (log.engine).")
    if not location.has_log():
        database.create(
            location.database, now=now, begin=lambda raw: _make(raw, location.partitions, beginning, master, now)
        )
    elif not database.look(location.database, view.is_pulled):
        raise LogError(
            f"{location.folder} holds a log already, which is left as it is: name an empty folder, or one that does "
            "not exist."
        )
    if location.key is None and not has_key(location.key_path):
        write_key(location.key_path, master)


def _make(connection: sqlite3.Connection, count: int, beginning: Beginning, master: bytes, now: int) -> None:
    partitions.note(connection, count)
    beginning.begin(connection, master, now)
    with transaction(connection):
        view.note_pull(connection)


async def _copied(connection: Connection, master: bytes, engine: Engine, progress: OnProgress) -> int:
    """Bring the folder up to the engine, verify it, and make it a log; return how many events it has."""
    partition = engine.partition
    follower = Follower.at(await connection.run(view.read_bookmark))
    catch_up = partial(follow, partition, connection, follower, progress)
    await catch_up()
    taking = Taking(partition, engine.takeover, engine.clock, standby=False, holder=None, standing=engine.standing)
    await taking.until_free(lambda: follower.mark, catch_up)
    await catch_up()
    seen = (await partition.beats(), follower.mark)
    await connection.run(partial(_check, master))
    await catch_up()
    if seen != (await partition.beats(), follower.mark):
        raise LogLocked(
            f"A bot was started on the log in {partition.name} meanwhile, so the copy would lack what it records: stop "
            "it, and pull again. What is copied stays, and the next pull goes on behind it."
        )
    await connection.run(_leave)
    return follower.mark.position


def _opens(master: bytes, _seq: int, claim: Mapping[str, Any]) -> bool:
    with suppress(KeyMismatch):
        claiming.require_key(claim, master)
        return True
    return False


def _check(master: bytes, connection: sqlite3.Connection) -> None:
    require_whole(connection, Vault(keys.read(connection, master)))


def _leave(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        view.leave(connection)
