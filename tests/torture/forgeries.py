"""Every kind of forgery, as a change to the files of a log, and the words in which it has to be told."""

# ruff: noqa: S608 - a forger's SQL is made of constants

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

from bot.eventlog import database, keys
from bot.eventlog.chain import digest_plain
from bot.eventlog.key_file import read_key
from bot.eventlog.location import Location
from bot.eventlog.vault import Vault
from tests.corpus.record import EVERY_TYPE
from tests.erasing import ERASE
from tests.tampering import relink_plain, tampering

HASH = "its hash does not fit"
GAP = "there is no event between positions"
WORDS = "its words do not open with this key"
GONE = "its words are gone, and no event says who erased them"
WHOSE = "its words, or whose they are, were changed"
KEYS = "What the log holds of its keys was changed"
MISMATCH = "This key is not the one"
_WORDS = """
SELECT s.name, e.position, e.salt, e.body_digest, e.sealed FROM events e JOIN streams s ON s.id = e.stream_id
WHERE e.sealed IS NOT NULL
"""


_ELSEWHERE = len(EVERY_TYPE.read_text(encoding="utf-8").splitlines())
"""The position of the first event of the log's second stream, which has words."""


class Prevented(Exception):
    """The forger does not even come so far."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a forger has: the log to change, an older copy of it, and another log that has the same master key."""

    log: Location
    older: Location
    neighbour: Location


@dataclass(frozen=True, slots=True)
class Forgery:
    """One kind; ``says`` is in what is told. ``anchor``: only with one. ``old_log``: of a log that 0.1.0 began."""

    name: str
    make: Callable[[Scene], object]
    says: str
    anchor: bool = False
    old_log: bool = False
    goes_on: bool = False


def sql(*statements: str, plain: bool = False) -> Callable[[Scene], None]:
    """Return what runs statements, each of which changes something; ``plain``: and links all events anew in plain."""

    def make(scene: Scene) -> None:
        with tampering(scene.log.database) as connection:
            changed = [connection.execute(statement).rowcount for statement in statements]
            assert plain or any(changed), statements
            if plain:
                relink_plain(connection)

    return make


@contextmanager
def with_other(scene: Scene, other: Location) -> Iterator[sqlite3.Connection]:
    """Open the log to be changed, with another one beside it as ``other``."""
    with tampering(scene.log.database) as connection:
        connection.execute("ATTACH ? AS other", (str(other.database),))
        yield connection


def _words_of_neighbour(scene: Scene) -> None:
    with with_other(scene, scene.neighbour) as connection:
        connection.execute(
            "UPDATE main.events SET (subject_id, salt, sealed) = (SELECT subject_id, salt, sealed FROM other.events o "
            "WHERE o.position = events.position) WHERE position = 4"
        )


def _swap_words(first: int, second: int) -> Callable[[Scene], None]:
    return sql(
        "CREATE TEMP TABLE taken AS SELECT position, subject_id, salt, sealed, body_digest FROM events",
        "UPDATE events SET (subject_id, salt, sealed) = (SELECT subject_id, salt, sealed FROM taken "
        f"WHERE taken.position = {first + second} - events.position) WHERE position IN ({first}, {second})",
    )


def _cut(*, heads: bool) -> Callable[[Scene], None]:
    adjusted = (
        "UPDATE streams SET version = (SELECT max(version) FROM events WHERE stream_id = streams.id)",
        "UPDATE streams SET hash = (SELECT hash FROM events WHERE stream_id = id AND events.version = streams.version)",
        "DELETE FROM snapshots WHERE version > (SELECT version FROM streams WHERE id = stream_id)",
    )
    cut = "DELETE FROM events WHERE position > (SELECT max(position) - 2 FROM events)"
    return sql(cut, *(adjusted if heads else ()))


_NO_STREAM = (
    "DELETE FROM events WHERE stream_id = 2",
    "DELETE FROM streams WHERE id = 2",
    "DELETE FROM snapshots WHERE stream_id = 2",
    "DELETE FROM unfinished WHERE stream_id = 2",
)


def _roll_back(scene: Scene) -> None:
    shutil.copy(scene.older.database, scene.log.database)


def _edit_snapshot(scene: Scene) -> None:
    with tampering(scene.log.database) as connection:
        (state,) = connection.execute("SELECT state FROM snapshots ORDER BY version LIMIT 1").fetchone()
        forged = state.replace('"paused":false', '"paused":true')
        assert forged != state
        connection.execute(
            "UPDATE snapshots SET state = ?, digest = ? WHERE state = ?",
            (forged, sha256(forged.encode()).digest(), state),
        )


def _plant_keys(scene: Scene) -> None:
    log_id = bytes(16)
    with tampering(scene.log.database) as connection:
        nonce = bytes(12)
        wrapped = nonce + AESGCMSIV(bytes(32)).encrypt(nonce, bytes(32), bytes(16))
        connection.execute("DELETE FROM keys")
        connection.execute("INSERT INTO keys VALUES (1, 0, ?)", (wrapped,))
        connection.execute("UPDATE meta SET value = ? WHERE name = 'log_id'", (log_id,))


def _old_key_row(scene: Scene) -> None:
    with with_other(scene, scene.older) as connection:
        connection.execute("DELETE FROM main.keys WHERE number > 1")
        connection.execute("INSERT OR REPLACE INTO main.keys SELECT * FROM other.keys WHERE number = 1")


def _old_keys_and_note(scene: Scene) -> None:
    with with_other(scene, scene.older) as connection:
        connection.execute("DELETE FROM main.keys")
        connection.execute("INSERT INTO main.keys SELECT * FROM other.keys")
        connection.execute("INSERT OR REPLACE INTO main.meta SELECT * FROM other.meta WHERE name = 'chain'")


def _move_chain(scene: Scene) -> None:
    with tampering(scene.log.database) as connection:
        (note,) = connection.execute("SELECT value FROM meta WHERE name = 'chain'").fetchone()
        moved = note[:8] + (1000).to_bytes(8, "big") + note[16:]
        connection.execute("UPDATE meta SET value = ? WHERE name = 'chain'", (moved,))
        relink_plain(connection)


_AS_OF_OLD = ("DELETE FROM keys", "DELETE FROM meta WHERE name IN ('log_id', 'chain')")


def _downgrade(scene: Scene) -> None:
    with tampering(scene.log.database) as connection:
        for statement in _AS_OF_OLD:
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('key_proof', zeroblob(42))")
        relink_plain(connection)


def _downgrade_with_copy(scene: Scene) -> None:
    """Only where an old copy is left from before the upgrade, and the master key is still that one."""
    with closing(sqlite3.connect(scene.older.database)) as older:
        (proof,) = older.execute("SELECT value FROM meta WHERE name = 'key_proof'").fetchone()
    with tampering(scene.log.database) as connection:
        for statement in (*_AS_OF_OLD, f"{ERASE} WHERE substr(sealed, 1, 1) = x'02'"):
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('key_proof', ?)", (proof,))
        connection.execute("UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 5")
        relink_plain(connection)


def _guess_words(scene: Scene) -> None:
    """Guess the words exactly, and look whether they are these."""
    if guessed(scene.log):
        return
    raise Prevented("digests are keyed: without the key no guess can be tried")


def guessed(log: Location) -> bool:
    """Tell whether the digests of a log give away that somebody's words were guessed."""
    vault = Vault(database.look(log.database, partial(keys.read, master=read_key(log.key_path))))
    with closing(sqlite3.connect(log.database)) as connection:
        rows = connection.execute(_WORDS).fetchall()
    guesses = [(salt, digest, vault.open(stream, position, sealed)) for stream, position, salt, digest, sealed in rows]
    return any(digest in {digest_plain(salt, guess), sha256(guess).digest()} for salt, digest, guess in guesses)


def _open_with_guessed_keys(scene: Scene) -> None:
    with closing(sqlite3.connect(scene.log.database)) as connection:
        (sealed,) = connection.execute("SELECT sealed FROM events WHERE sealed IS NOT NULL").fetchone()
        (log_id,) = connection.execute("SELECT value FROM meta WHERE name = 'log_id'").fetchone()
    for key in (bytes(32), sha256(log_id).digest(), log_id * 2):
        for cipher in (AESGCM(key), AESGCMSIV(key)):
            try:
                cipher.decrypt(sealed[3:15], sealed[15:], log_id + (1).to_bytes(8, "big") + b"channel:1")
            except InvalidTag:
                continue
            return
    raise Prevented("the words open with no key that is in the file")


def _double(scene: Scene) -> None:
    with tampering(scene.log.database) as connection:
        connection.execute(
            "INSERT INTO events SELECT (SELECT max(position) + 1 FROM events), e.stream_id, s.version + 1, e.type, "
            "e.v, e.recorded_at, e.key_kind, e.key_id + 1, e.key_part, e.correlation, e.causation, e.data, "
            "e.body_digest, e.hash, e.subject_id, e.salt, e.sealed FROM events e JOIN streams s ON s.id = e.stream_id "
            "WHERE e.position = 4"
        )
        relink_plain(connection)


def _swapped(column: str, first: int, second: int) -> tuple[str, ...]:
    changes = ((first, 9999), (second, first), (9999, second))
    return tuple(f"UPDATE events SET {column} = {after} WHERE {column} = {before}" for before, after in changes)


FORGERIES = (
    Forgery("an event's data edited", sql("UPDATE events SET data = '{}' WHERE position = 5"), HASH),
    Forgery("an event's time changed", sql("UPDATE events SET recorded_at = 5 WHERE position = 5"), HASH),
    Forgery("edited, and all re-linked", sql("UPDATE events SET recorded_at = 5 WHERE position = 5", plain=True), HASH),
    Forgery("all re-linked, nothing edited", sql(plain=True), HASH),
    Forgery("two events of a stream swapped", sql(*_swapped("version", 5, 6)), HASH),
    Forgery("two events' positions swapped", sql(*_swapped("position", 5, 6)), HASH),
    Forgery(
        "an event cut out, the rest closed up",
        sql(
            "DELETE FROM events WHERE position = 5",
            "UPDATE events SET position = position + 9999, version = version + 9999 * (stream_id = 1) "
            "WHERE position > 5",
            "UPDATE events SET position = position - 10000, version = version - 10000 * (stream_id = 1) "
            "WHERE position > 9999",
            plain=True,
        ),
        HASH,
    ),
    Forgery("an event taken out", sql("DELETE FROM events WHERE position = 5", plain=True), GAP),
    Forgery("an event doubled under a new key", _double, HASH),
    Forgery("an event's dedupe key changed", sql("UPDATE events SET key_id = 5 WHERE position = 4"), "dedupe key"),
    Forgery("an event moved to another stream", sql(
        f"UPDATE events SET stream_id = 3, version = 9 WHERE position = {_ELSEWHERE + 1}"
    ), HASH),
    Forgery("a stream renamed", sql("UPDATE streams SET name = 'channel:9' WHERE id = 1", plain=True), HASH),
    Forgery("a stream removed whole", sql(*_NO_STREAM, plain=True), GAP),
    Forgery("a stream's head raised", sql("UPDATE streams SET version = version + 1 WHERE id = 1"), "its head says"),
    Forgery("a stream made up", sql("INSERT INTO streams VALUES (9, 'channel:9', 1, x'00')"), "its head says 1"),
    Forgery("the tail cut", _cut(heads=False), "its head says"),
    Forgery("the tail cut, heads adjusted", _cut(heads=True), "its end was taken away", anchor=True),
    Forgery("the file rolled back", _roll_back, "its end was taken away", anchor=True),
    Forgery("rolled back, and the bot went on", _roll_back, "up to position", anchor=True, goes_on=True),
    Forgery("words swapped within a stream", _swap_words(4, 7), WORDS),
    Forgery("words moved to another stream", _swap_words(4, _ELSEWHERE), WORDS),
    Forgery("words taken from another log", _words_of_neighbour, WORDS),
    Forgery("words ascribed to another person", sql("UPDATE events SET subject_id = 5 WHERE position = 4"), WHOSE),
    Forgery("words of which the salt is gone", sql("UPDATE events SET salt = NULL WHERE position = 4"), "in part"),
    Forgery("words given to an event without", sql(
        "UPDATE events SET salt = x'00', sealed = (SELECT sealed FROM events WHERE position = 4) "
        f"WHERE position = {_ELSEWHERE + 1}"
    ), "was not recorded with"),
    Forgery("words and their digest taken away", sql(
        f"{ERASE} WHERE position = 4", "UPDATE events SET body_digest = NULL WHERE position = 4"
    ), HASH),
    Forgery("words erased", sql(f"{ERASE} WHERE position = 4"), GONE),
    Forgery("words guessed from their digests", _guess_words, ""),
    Forgery("words opened without the key", _open_with_guessed_keys, ""),
    Forgery("a snapshot edited, its digest made to fit", _edit_snapshot, "its snapshot is not what the events give"),
    Forgery("a snapshot beyond the head", sql(
        "UPDATE snapshots SET version = 9999 WHERE version = 64"
    ), "there is a snapshot and no such event"),
    Forgery("the note of unfinished work deleted", sql("DELETE FROM unfinished"), "not noted as unfinished"),
    Forgery("a note of unfinished work of no stream", sql(
        "INSERT INTO unfinished VALUES (9999)"
    ), "the table unfinished has a row"),
    Forgery("an index dropped", sql("DROP INDEX events_key"), "the index events_key is missing"),
    Forgery("a trigger added", sql(
        "CREATE TRIGGER lie AFTER INSERT ON streams BEGIN DELETE FROM snapshots; END"
    ), "the trigger lie is not the log's"),
    Forgery("a view added", sql("CREATE VIEW lie AS SELECT 1"), "the view lie is not the log's"),
    Forgery("the schema's version lowered", sql("PRAGMA user_version = 3"), "schema version"),
    Forgery("a wrapped key changed", sql("UPDATE keys SET wrapped = zeroblob(60)"), MISMATCH),
    Forgery("a wrapped key's date changed", sql("UPDATE keys SET wrapped_at = 1 WHERE number = 1"), KEYS),
    Forgery("a key removed", sql("DELETE FROM keys WHERE number = 2"), KEYS),
    Forgery("a key of zeros planted", _plant_keys, MISMATCH),
    Forgery("an old key put back", _old_key_row, KEYS),
    Forgery("the old keys put back with their note", _old_keys_and_note, WORDS),
    Forgery("another log's identity", sql("UPDATE meta SET value = zeroblob(16) WHERE name = 'log_id'"), MISMATCH),
    Forgery("the keyed chain said to begin later", _move_chain, KEYS),
    Forgery("passed off as a log of 0.1", _downgrade, MISMATCH),
    Forgery("passed off as one, with an old copy's proof", _downgrade_with_copy, "another log than the anchor's",
            anchor=True, old_log=True, goes_on=True),
    Forgery("an event of 0.1 edited and re-linked", sql(
        "UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 5", plain=True
    ), "are not those that its chain begins with", old_log=True),
    Forgery("words of 0.1 ascribed to another", sql(
        "UPDATE events SET subject_id = 5 WHERE position = 51"
    ), "another person's", old_log=True),
)  # fmt: skip
