"""The master key of a log: found, whatever moment of a rotation an interruption left behind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from bot.errors import KeyMismatch
from bot.eventlog import database, keys
from bot.eventlog.key_file import has_key, read_key
from bot.eventlog.location import Location
from bot.eventlog.vault import Vault


def given_key(location: Location) -> bytes:
    """Return the key that was given, else the one in the key file; raise KeyMismatch where there is none."""
    return location.key if location.key is not None else read_key(location.key_path)


def find_master(location: Location) -> bytes:
    """Return the master key of an existing log; raise KeyMismatch when the key is not this log's.

    A rotation may have been interrupted after the log had been given the next key, and before the key file had it.
    """
    return fitting(location, partial(_keys_of, location))


def fitting(location: Location, opens: Callable[[bytes], object]) -> bytes:
    """Return the key that is given, or the next one of a rotation, whichever ``opens`` takes without KeyMismatch."""
    try:
        master = given_key(location)
        opens(master)
    except KeyMismatch:
        if location.key is not None or not has_key(location.next_key_path):
            raise
        master = read_key(location.next_key_path)
        opens(master)
    return master


def settle_rotation(location: Location, master: bytes) -> bytes:
    """Finish a rotation of the key file that was interrupted, or take it back; return ``master``, the log's key."""
    if location.key is None and location.next_key_path.exists():
        if _holds(location.next_key_path, master):
            take_next_key(location)
        else:
            location.next_key_path.unlink()
            database.sync_folder(location.key_path.parent)
    return master


def _holds(path: Path, master: bytes) -> bool:
    """Tell whether a key file holds ``master``; one that was being written may hold nothing, or a part."""
    try:
        return read_key(path) == master
    except KeyMismatch:
        return False


def take_next_key(location: Location) -> None:
    """Put the key file of a rotation in the place of the one before, which stays beside it."""
    if has_key(location.key_path):
        location.key_path.replace(location.old_key_path)
    location.next_key_path.replace(location.key_path)
    database.sync_folder(location.key_path.parent)


def vault_of(location: Location) -> Vault:
    """Return the vault of a log; raise KeyMismatch when the key is not this log's."""
    return Vault(_keys_of(location, find_master(location)))


def _keys_of(location: Location, master: bytes) -> keys.LogKeys:
    return database.look(location.database, partial(keys.read, master=master))
