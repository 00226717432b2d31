"""An archive: the events of one channel with their words, in one sealed file.

It is a database with the schema of the log, so what reads and verifies a log reads and verifies an archive. It holds
one stream as it is, the log's wrapped keys, and of the events of other streams only the hashes that stand before its
own. Its last bytes are its seal: a code over all bytes before (HMAC-SHA-256 under a key of the log), so any change
shows. Its digest is the SHA-256 of the whole file, which ``sha256sum`` prints too; the log's receipt names it when the
words are erased there.

Nothing may be written to it after that, so it is read without locks, and files beside it do not count.
"""

from __future__ import annotations

import hmac
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from bot.errors import KeyMismatch, LogDamaged, LogError, LogForeign, LogUnwritable
from bot.eventlog import database, header, keys, opening, verify
from bot.eventlog.anchor import anchor_of
from bot.eventlog.drafts import appear, drafting
from bot.eventlog.folding import state_of
from bot.eventlog.plain_files import require_plain
from bot.eventlog.reader import Reader
from bot.eventlog.sqlite_errors import translated
from bot.eventlog.transactions import one_state, transaction
from bot.eventlog.vault import Vault
from bot.eventlog.verify_events import BEFORE
from bot.times import utc_time

_MARK = b"echoless archive 1"
_SEAL_BYTES = len(_MARK) + 32
_CHUNK = 2**20
_EVENTS = "SELECT * FROM events WHERE stream_id = ? ORDER BY version"
_BEFORE = """
SELECT before.hash FROM events e LEFT JOIN events before ON before.position = e.position - 1
WHERE e.stream_id = ? ORDER BY e.version
"""
_NO_HASH = bytes(32)
"""Stands before the first event of a log."""

_COUNTS = """
SELECT min(position), max(position), count(*), count(sealed), min(recorded_at), max(recorded_at)
FROM events WHERE stream_id = ?
"""

OnProgress = Callable[[int, int], object]
"""Called with the number of events that are verified, and with that of all."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself.

    It holds the versions 1 to ``version`` of ``stream``, between the positions ``first`` and ``last`` of the log;
    ``words`` counts the events whose words were not erased, ``head`` is the hash of the last event (hex). ``taken_at``,
    ``since`` and ``until`` are microseconds since the epoch. ``anchor`` stands for the whole log at that time.
    """

    release: str
    schema: int
    taken_at: int
    log_id: str
    incarnation: int
    anchor: str
    stream: str
    version: int
    head: str
    first: int
    last: int
    words: int
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive whose file was looked at: ``digest`` is the SHA-256 of the file (hex).

    ``vault`` opens its words; without it (None) there was no key, and the seal was not checked.
    """

    path: Path
    manifest: Manifest
    digest: str
    vault: Vault | None

    async def reader(self) -> Reader:
        """Return a reader of its events and words."""
        return Reader(await database.connect_alone(self.path), self.vault)


def take(
    path: Path,
    target: Path,
    stream: str,
    *,
    vault: Vault,
    release: str,
    now: int,
    progress: OnProgress = lambda _done, _total: None,
) -> Archive:
    """Write ``stream`` of the database ``path`` to a new file, which appears whole, verified and sealed or not at all.

    Raises LogError where there is no such stream or a file already, while replies are open, and when anything is wrong
    with the stream.
    """
    if os.path.lexists(target):
        raise LogError(f"{target} is there already, and no archive takes the place of a file: name another one.")
    with translated(), drafting(target, "archive") as draft:
        with (
            closing(database.connection_for_reading(path)) as source,
            closing(sqlite3.connect(draft, isolation_level=None)) as copy,
            one_state(source),
        ):
            stream_id = _require_quiet(source, stream)
            manifest = _described(source, stream_id, stream, release, now)
            database.lay_out(copy, now=now)
            with transaction(copy):
                _copy(source, copy, stream_id)
                row = (opening.ARCHIVE, json.dumps(asdict(manifest)).encode())
                copy.execute("INSERT INTO meta VALUES (?, ?)", row)
        _verify(draft, vault, manifest, progress)
        digest = _seal(draft, vault)
        appear(draft, target, replace=False)
    return Archive(target, manifest, digest, vault)


def look(path: Path, masters: Sequence[bytes]) -> Archive:
    """Return what an archive says of itself, once its seal has been checked under one of ``masters``, master keys.

    Without any key the seal is not checked, and the words stay closed. Raises LogForeign for a file that is none,
    LogDamaged when it was changed or cut, KeyMismatch when no key opens it.
    """
    if not path.exists():
        raise LogError(f"There is no file {path}: name the archive's.")
    require_plain(path, path)
    with _telling(path):
        sums = _sums(path)
        if not sums.sealed.startswith(_MARK):
            raise LogForeign(f"{path} is no archive, or its end is missing: take another copy of it.")
        header.inspect(path)
        manifest, vault = database.look_alone(path, lambda connection: _opened(connection, path, masters))
        if vault is not None and not hmac.compare_digest(_sums(path, vault.keys.archiving()).seal, sums.sealed):
            raise LogDamaged
    return Archive(path, manifest, sums.digest, vault)


def require_of(path: Path, archive: Archive, stream: str) -> None:
    """Raise LogError unless an archive is one of ``stream`` in the database ``path``, as it was or still is."""
    sql = "SELECT e.hash FROM events e JOIN streams s ON s.id = e.stream_id WHERE s.name = ? AND e.version = ?"
    manifest = archive.manifest

    def is_there(connection: sqlite3.Connection) -> bool:
        row = connection.execute(sql, (stream, manifest.version)).fetchone()
        return row is not None and bytes(row[0]).hex() == manifest.head

    if archive.vault is None or manifest.stream != stream or not database.look(path, is_there):
        raise LogError(
            f"{archive.path} is there already, and is no archive of {stream} in this log: name another file."
        )


def _require_quiet(source: sqlite3.Connection, stream: str) -> int:
    """Return the id of a stream; raise LogError where it can't be archived."""
    if source.execute("PRAGMA user_version").fetchone()[0] != len(database.migrations()):
        raise LogError(keys.UNADOPTED)
    row = source.execute("SELECT id FROM streams WHERE name = ? AND version > 0", (stream,)).fetchone()
    if row is None:
        raise LogError(f"There is no stream {stream} in this log: `echoless log stats` lists those there are.")
    if state_of(source, stream).outbox:
        raise LogError(
            f"{stream} has replies to finish: see `echoless replay pending`, have the bot send them or give them up "
            "(`echoless replay drop`), and try again."
        )
    return int(row[0])


def _described(source: sqlite3.Connection, stream_id: int, stream: str, release: str, now: int) -> Manifest:
    anchor = anchor_of(source)
    version, head = source.execute("SELECT version, hash FROM streams WHERE id = ?", (stream_id,)).fetchone()
    first, last, count, words, since, until = source.execute(_COUNTS, (stream_id,)).fetchone()
    if count != version:
        raise LogDamaged(f"{stream} has {count} events and says {version}: see `echoless log verify`.")
    return Manifest(
        release,
        len(database.migrations()),
        now,
        anchor.log_id.hex(),
        anchor.incarnation,
        str(anchor),
        stream,
        version,
        head.hex(),
        first,
        last,
        words,
        since,
        until,
    )


def _copy(source: sqlite3.Connection, copy: sqlite3.Connection, stream_id: int) -> None:
    """Copy one stream, the log's keys, and the hashes before the stream's events."""
    _insert(copy, "meta", source.execute("SELECT * FROM meta WHERE name IN ('log_id', 'chain')"))
    _insert(copy, "keys", source.execute("SELECT * FROM keys"))
    hashes = b"".join(link or _NO_HASH for (link,) in source.execute(_BEFORE, (stream_id,)))
    copy.execute("INSERT INTO meta VALUES (?, ?)", (BEFORE, hashes))
    _insert(copy, "streams", source.execute("SELECT id, name, 0, x'' FROM streams WHERE id = ?", (stream_id,)))
    _insert(copy, "events", source.execute(_EVENTS, (stream_id,)))


def _insert(copy: sqlite3.Connection, table: str, rows: sqlite3.Cursor) -> None:
    holders = ", ".join("?" * len(rows.description))
    copy.executemany(f"INSERT INTO {table} VALUES ({holders})", rows)  # noqa: S608 - constants


def _verify(draft: Path, vault: Vault, manifest: Manifest, progress: OnProgress) -> None:
    done = 0
    with closing(database.connection_for_reading(draft)) as connection:
        for page in verify.pages(connection, vault, manifest.stream):
            if page.findings:
                raise LogDamaged(
                    f"No archive was made: something is wrong with the channel ({page.findings[0]}). See `echoless log "
                    "verify`."
                )
            done += page.events
            progress(done, manifest.version)


def _seal(draft: Path, vault: Vault) -> str:
    """Put the seal at the end of a file, and return the digest of all of it."""
    with draft.open("ab") as file:
        file.write(bytes(_SEAL_BYTES))
    seal = _sums(draft, vault.keys.archiving()).seal
    with draft.open("r+b") as file:
        file.seek(-_SEAL_BYTES, os.SEEK_END)
        file.write(seal)
    return _sums(draft).digest


class _Sums(NamedTuple):
    """The seal that a file has to have under a key, the one it has, and the digest of all of it."""

    seal: bytes
    sealed: bytes
    digest: str


def _sums(path: Path, key: bytes = b"") -> _Sums:
    with path.open("rb") as file:
        left = max(0, os.fstat(file.fileno()).st_size - _SEAL_BYTES)
        code, digest = hmac.new(key, digestmod=sha256), sha256()
        while left and (chunk := file.read(min(_CHUNK, left))):
            code.update(chunk)
            digest.update(chunk)
            left -= len(chunk)
        sealed = file.read(_SEAL_BYTES)
        digest.update(sealed)
    return _Sums(_MARK + code.digest(), sealed, digest.hexdigest())


def _opened(connection: sqlite3.Connection, path: Path, masters: Sequence[bytes]) -> tuple[Manifest, Vault | None]:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (opening.ARCHIVE,)).fetchone()
    if row is None:
        raise LogForeign(f"{path} is no archive: `echoless archive CHANNEL FILE` makes one.")
    manifest = Manifest(**json.loads(row[0]))
    for master in masters:
        try:
            return manifest, Vault(keys.read(connection, master))
        except KeyMismatch:
            continue
    if masters:
        raise KeyMismatch(
            f"{path} does not open with this log's key: give the key that the log had when the archive was made, "
            f"{utc_time(manifest.taken_at)}, by ECHOLESS_VAULT_KEY or log.key_file; or the archive was changed."
        )
    return manifest, None


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Raise LogDamaged, which names the archive, for whatever a changed file makes fail."""
    try:
        with translated():
            yield
    except (LogDamaged, sqlite3.Error, ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        raise LogDamaged(
            f"The archive {path} was changed or cut: nothing in it is believed. Take another copy of it."
        ) from error
    except OSError as error:
        raise LogUnwritable(f"The archive {path} can't be read: {error.strerror}. Check its permissions.") from error
