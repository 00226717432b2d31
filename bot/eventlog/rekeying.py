"""New keys for a log at rest: wrapped under another master key, words sealed anew, events linked anew.

Each of them takes the log as its owner, and may be killed at any moment: begun again, it goes on or starts over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

from bot.errors import LogForeign
from bot.eventlog import database, keys
from bot.eventlog.at_rest import at_rest
from bot.eventlog.chain import GENESIS, Chain, ChainStart, Root, packed
from bot.eventlog.key_file import make_key
from bot.eventlog.location import Location
from bot.eventlog.log import require_log
from bot.eventlog.master import take_next_key
from bot.eventlog.remote import view
from bot.eventlog.transactions import changeable_events, transaction
from bot.eventlog.vault import Entropy, Vault
from bot.eventlog.verify import require_whole

PAGE = 1000
"""Events whose words are sealed anew in one transaction."""

OnProgress: TypeAlias = Callable[[int, int], object]
"""Called with the number of events that are done, and with that of all."""

_SEALED = """
SELECT e.position, s.name, e.sealed FROM events e JOIN streams s ON s.id = e.stream_id
WHERE e.position > ? AND e.sealed IS NOT NULL ORDER BY e.position LIMIT ?
"""
_EVENTS = """
SELECT e.position, s.name, e.version, e.type, e.v, e.recorded_at, e.key_kind, e.key_id, e.key_part,
       e.correlation, e.causation, e.data, e.body_digest, e.subject_id, e.salt, e.sealed
FROM events e JOIN streams s ON s.id = e.stream_id WHERE e.position > ? ORDER BY e.position LIMIT ?
"""
_HEADS = """
UPDATE streams SET hash = (
    SELECT e.hash FROM events e WHERE e.stream_id = streams.id AND e.version = streams.version
)
"""


def rotate(location: Location, *, clock: Callable[[], int]) -> None:
    """Give a log another master key, which wraps its keys anew; no event is written.

    The new key is in a file beside the key file before the log needs it, and takes its place at the end. Where the key
    itself was given, the new file stays for its owner to take over.
    """
    with at_rest(location, clock) as (connection, master):
        known = keys.read(connection, master)
        location.next_key_path.unlink(missing_ok=True)
        new = make_key(location.next_key_path)
        database.sync_folder(location.next_key_path.parent)
        with transaction(connection):
            keys.save(connection, known, new, clock())
        if location.key is None:
            take_next_key(location)


def renew(location: Location, *, clock: Callable[[], int], progress: OnProgress = lambda _done, _total: None) -> int:
    """Seal all words under a new log key, and forget the keys that nothing needs any more; return how many events'.

    Killed in the middle and begun again, it goes on with the key that it had made.
    """
    with at_rest(location, clock) as (connection, master):
        known = keys.read(connection, master)
        if not has_older_seals(connection, Vault(known)):
            with transaction(connection):
                known = known.with_new()
                keys.save(connection, known, master, clock())
        count = _reseal(connection, Vault(known), progress)
        with transaction(connection):
            keys.save(connection, known.with_needed(), master, clock())
        return count


def relink(location: Location, *, clock: Callable[[], int], progress: OnProgress = lambda _done, _total: None) -> int:
    """Link all events anew under the newest log key, and seal their words; return how many events that were.

    This lifts a log of the first releases, and one whose older keys somebody else has seen. It is one transaction,
    which needs as much room on the disk as the log itself. Anchors that were taken before do not fit any more. Raises
    LogDamaged, and changes nothing, where verification finds a fault: a new chain would hide it. Raises LogForeign for
    a log that an engine keeps.
    """
    require_log(location)
    database.look(location.database, _refuse_view)
    with at_rest(location, clock) as (connection, master):
        known = keys.read(connection, master)
        require_whole(connection, Vault(known))
        lifted = replace(known, start=ChainStart(known.newest, 1, Root(known.log_id).digest()))
        with transaction(connection), changeable_events(connection):
            count = _Relinking(connection, Vault(known), Vault(lifted), lifted.chain()).run(progress)
            connection.execute(_HEADS)
            keys.save(connection, lifted.with_needed(), master, clock())
        return count


def _refuse_view(connection: sqlite3.Connection) -> None:
    if view.is_view(connection):
        raise LogForeign(
            "Events can't be bound anew where an engine keeps the log: its records never change. Bring the log into a "
            "folder (`echoless log pull`), bind it anew there, and push it into an empty engine. Nothing was changed. "
            "See docs/many-hosts.md."
        )


class _Relinking:
    """Writes the events' hashes, digests and seals anew, in the order of the log."""

    def __init__(self, connection: sqlite3.Connection, old: Vault, new: Vault, chain: Chain) -> None:
        self._connection = connection
        self._old = old
        self._new = new
        self._chain = chain
        self._before = chain.start.root
        self._heads: dict[str, bytes] = {}
        self._entropy = Entropy()

    def run(self, progress: OnProgress) -> int:
        (total,) = self._connection.execute("SELECT count(*) FROM events").fetchone()
        for done, row in enumerate(_each(self._connection, _EVENTS), 1):
            self._event(*row)
            progress(done, total)
        return int(total)

    def _event(self, position: int, stream: str, *fields: Any) -> None:  # noqa: ANN401 - the columns of a row
        *head, data, digest, subject_id, salt, sealed = fields
        version, type_name, v, recorded_at, *key, correlation, causation = head
        if sealed is not None:
            body = self._old.open(stream, position, sealed)
            digest = self._chain.digest(salt, subject_id, body)
            sealed = self._new.seal(stream, position, body, self._entropy.draw(keys.NONCE_BYTES))
        covered = packed(
            stream,
            position,
            version,
            type_name,
            v,
            recorded_at,
            tuple(key),
            correlation,
            causation,
            data.encode(),
            digest,
        )
        self._before = self._heads[stream] = self._chain.link(self._heads.get(stream, GENESIS), self._before, covered)
        self._connection.execute(
            "UPDATE events SET hash = ?, body_digest = ?, sealed = ? WHERE position = ?",
            (self._before, digest, sealed, position),
        )


def has_older_seals(connection: sqlite3.Connection, vault: Vault) -> bool:
    """Tell whether words are sealed under another key than the newest, which is not the first."""
    return any(not vault.is_newest(sealed) for _, _, sealed in _each(connection, _SEALED)) and vault.keys.newest > 1


def _reseal(connection: sqlite3.Connection, vault: Vault, progress: OnProgress) -> int:
    entropy, done, count = Entropy(), 0, 0
    (total,) = connection.execute("SELECT count(*) FROM events WHERE sealed IS NOT NULL").fetchone()
    for rows in _pages(connection, _SEALED):
        fresh = [
            (
                vault.seal(stream, position, vault.open(stream, position, sealed), entropy.draw(keys.NONCE_BYTES)),
                position,
            )
            for position, stream, sealed in rows
            if not vault.is_newest(sealed)
        ]
        with transaction(connection), changeable_events(connection):
            connection.executemany("UPDATE events SET sealed = ? WHERE position = ?", fresh)
        count += len(fresh)
        done += len(rows)
        progress(done, total)
    return count


def _pages(connection: sqlite3.Connection, sql: str) -> Iterator[list[tuple[Any, ...]]]:
    after = 0
    while rows := connection.execute(sql, (after, PAGE)).fetchall():
        yield rows
        after = rows[-1][0]


def _each(connection: sqlite3.Connection, sql: str) -> Iterator[tuple[Any, ...]]:
    for rows in _pages(connection, sql):
        yield from rows
