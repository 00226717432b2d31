"""The master key of a view. The log's keys may have been wrapped anew in another folder, of which the engine knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import partial
from typing import Any

from bot.errors import KeyMismatch, LogError
from bot.eventlog import database, keys
from bot.eventlog.location import Location
from bot.eventlog.master import find_master, fitting, settle_rotation
from bot.eventlog.remote import claiming, view
from bot.eventlog.remote.opening import Beginning
from bot.eventlog.sqlite_errors import translated
from bot.eventlog.transactions import transaction


def keys_wanted(location: Location) -> Callable[[int, Mapping[str, Any]], bool]:
    """Return what tells of a claim and its number whether a folder can begin with the keys there, or go on.

    They have to open with the folder's key. A view with whose key its own keys open needs none; another one only newer
    ones, or an old key would undo a rotation.
    """
    known = 0
    if location.has_log():
        try:
            find_master(location)
        except KeyMismatch:
            known = database.look(location.database, _seq)
        except LogError:
            return _whatever  # what is wrong is said later
        else:
            return _whatever
    return partial(_opens, location, known)


def _whatever(_seq: int, _claim: Mapping[str, Any]) -> bool:
    return True


def _seq(connection: sqlite3.Connection) -> int:
    return view.read_bookmark(connection).seq if view.is_view(connection) else 0


def _opens(location: Location, known: int, seq: int, claim: Mapping[str, Any]) -> bool:
    if seq <= known:
        return False
    with suppress(KeyMismatch):
        fitting(location, partial(claiming.require_key, claim))
        return True
    return False


def master_of_view(location: Location, beginning: Beginning) -> bytes:
    """Return the master key of a view, which is given newer keys where its own don't open with it.

    Raises KeyMismatch where those of ``beginning`` don't either.
    """
    try:
        return find_master(location)
    except KeyMismatch:
        claim = beginning.claim
        if claim is None or not beginning.fits:
            raise
        master = fitting(location, partial(claiming.require_key, claim))
    path = location.database
    with translated(), closing(database.connection_for_writing(path)) as connection, transaction(connection):
        claiming.take(connection, claim, is_empty=False)
    return master


def require_key(location: Location, connection: sqlite3.Connection) -> None:
    """Raise KeyMismatch unless the folder has the key of a view that has all that its engine holds."""
    fitting(location, partial(keys.read, connection))


def unlock(location: Location, connection: sqlite3.Connection) -> keys.LogKeys:
    """Return the keys of a view whose log this process owns; finish a rotation that was interrupted, or take it back.

    Before the claim, what an interrupted rotation had sent might still come: its key is needed then.
    """
    master = fitting(location, partial(keys.read, connection))
    settle_rotation(location, master)
    return keys.read(connection, master)
