"""A backup: one file, the database itself as it was in one moment, verified, with a manifest inside.

It is the database and no archive of it, so what reads a log reads a backup, and nothing has to be unpacked. The
manifest is a row of ``meta``, which is what keeps an owner from going on from a backup that was not restored (see
:mod:`bot.eventlog.opening`). SQLite copies page by page within one reading transaction, so the bot may write meanwhile.
The key is never in it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeAlias

from bot.errors import LogDamaged, LogError, LogUnwritable
from bot.eventlog import database, opening, verify
from bot.eventlog.anchor import anchor_of
from bot.eventlog.drafts import appear, drafting
from bot.eventlog.sqlite_errors import translated
from bot.eventlog.transactions import one_state, transaction
from bot.eventlog.vault import Vault
from bot.times import SECOND, utc

OnProgress: TypeAlias = Callable[[str, int, int], object]
"""Called with what is done ("copy", "verify"), and how many pages or events of how many are done."""

PAGES = 1024
"""Pages copied between two calls of a progress bar: 4 MiB."""

_NAME = re.compile(r"echoless-[0-9a-f]{8}-[0-9]{8}T[0-9]{6}Z\.db")
_MOMENT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    ``taken_at`` is microseconds since the epoch; ``position`` that of the newest event; ``anchor`` the line that stands
    for everything up to there ("" for a log of the first releases). ``with_key``: hashes and words were verified, too.
    """

    release: str
    schema: int
    taken_at: int
    position: int
    streams: int
    log_id: str = ""
    incarnation: int = 0
    anchor: str = ""
    with_key: bool = False


def take(
    path: Path,
    target: Path,
    *,
    vault: Vault | None,
    release: str,
    now: int,
    force: bool = False,
    progress: OnProgress = lambda _what, _done, _total: None,
) -> Manifest:
    """Write a backup of the database ``path`` to the file ``target``, which appears whole and verified or not at all.

    Without ``vault`` only the structure is verified. Raises LogError, also when there is a file and ``force`` does not
    say to replace it.
    """
    _require_room(target, force=force)
    with translated(), drafting(target, "backup") as draft:
        with (
            closing(database.connection_for_reading(path)) as source,
            closing(sqlite3.connect(draft, isolation_level=None)) as copy,
            one_state(source),
        ):
            manifest = _described(source, release, now, with_key=vault is not None)
            source.backup(copy, pages=PAGES, progress=lambda _, left, pages: progress("copy", pages - left, pages))
            _settle(copy, manifest)
        _verify(draft, vault, manifest, progress)
        appear(draft, target, replace=True)
    return manifest


def manifest_of(path: Path) -> Manifest | None:
    """Return the manifest of a backup, None for a database that has none; raise LogDamaged when it can't be read."""
    with translated():
        return database.look_alone(path, _manifest)


def name_at(log_id: str, now: int) -> str:
    """Return the name of a backup in a folder of backups: by log and time (UTC)."""
    return f"{_prefix(log_id)}{utc(now).strftime(_MOMENT)}.db"


def log_id_of(path: Path) -> str:
    """Return the id of a log, "" for one of the first releases."""
    return database.look(path, _log_id)


def prune(folder: Path, log_id: str, keep: int) -> list[Path]:
    """Remove all but the newest ``keep`` backups of a log from a folder, and return what was removed.

    Only files with the names of backups of this log count; unfinished ones of a process that died go, too.
    """
    try:
        gone = backups_in(folder, log_id)[:-keep]
        for path in gone:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise LogUnwritable(f"Old backups in {folder} can't be removed: {error.strerror}.") from error
    tidy(folder, log_id)
    return gone


def backups_in(folder: Path, log_id: str) -> list[Path]:
    """Return the backups of a log in a folder, the oldest first; none where there is no such folder."""
    found: list[Path] = []
    with suppress(OSError):
        found = sorted(each for each in folder.iterdir() if _NAME.fullmatch(each.name))
    return [each for each in found if each.name.startswith(_prefix(log_id))]


def tidy(folder: Path, log_id: str) -> None:
    """Remove unfinished backups of a log from a folder: a process that died left them, with people's words."""
    with suppress(OSError):
        for path in folder.glob(f"{_prefix(log_id)}*.db.part*"):
            path.unlink(missing_ok=True)


def newest_in(folder: Path, path: Path) -> int:
    """Return when the newest backup of the log ``path`` in a folder was taken, 0 where there is none."""
    prefix, found = _prefix(log_id_of(path)), []
    with suppress(OSError):
        found = [int(each.stat().st_mtime * SECOND) for each in folder.iterdir() if each.name.startswith(prefix)]
    return max(found, default=0)


def _prefix(log_id: str) -> str:
    return f"echoless-{log_id[:8] or '0' * 8}-"


def _log_id(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT value FROM meta WHERE name = 'log_id'").fetchone()
    return bytes(row[0]).hex() if row else ""


def _manifest(connection: sqlite3.Connection) -> Manifest | None:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (opening.BACKUP,)).fetchone()
    try:
        return Manifest(**json.loads(row[0])) if row else None
    except (TypeError, ValueError) as error:
        raise LogDamaged("The manifest of the backup can't be read: take another backup.") from error


def _described(connection: sqlite3.Connection, release: str, now: int, *, with_key: bool) -> Manifest:
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    (position, streams) = connection.execute(
        "SELECT (SELECT coalesce(max(position), 0) FROM events), (SELECT count(*) FROM streams)"
    ).fetchone()
    manifest = Manifest(release, schema, now, position, streams, with_key=with_key)
    if not (log_id := _log_id(connection)):
        return manifest
    anchor = anchor_of(connection)
    return replace(manifest, log_id=log_id, incarnation=anchor.incarnation, anchor=str(anchor))


def _settle(copy: sqlite3.Connection, manifest: Manifest) -> None:
    """Put the manifest in, and make the copy a single file."""
    copy.execute("PRAGMA journal_mode = DELETE").fetchone()
    copy.execute("PRAGMA synchronous = EXTRA")
    with transaction(copy):
        opening.unmark(copy)
        row = (opening.BACKUP, json.dumps(asdict(manifest)).encode())
        copy.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", row)


def _verify(draft: Path, vault: Vault | None, manifest: Manifest, progress: OnProgress) -> None:
    """Raise LogDamaged where something is wrong with the copy, as it is when the log itself is damaged."""
    done = 0
    with closing(database.connection_for_reading(draft)) as connection:
        for page in verify.pages(connection, vault):
            if page.faults:
                raise LogDamaged(
                    f"No backup was made: something is wrong with the log ({page.faults[0]}). See `echoless log "
                    "verify`, and keep the backups that there are."
                )
            done += page.events
            progress("verify", done, manifest.position)


def _require_room(target: Path, *, force: bool) -> None:
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise LogError(f"{target} is no plain file: name another file for the backup.")
    if target.exists() and not force:
        raise LogError(f"{target} is there already: name another file for the backup, or add --force.")
