"""A log's own keys: made once, wrapped under the master key, and of no use to anybody who changes them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from pathlib import Path

import pytest

from bot.core import events as e
from bot.errors import KeyMismatch, LogDamaged, LogError
from bot.eventlog import database, keys
from bot.eventlog.chain import GENESIS, Chain, ChainStart, Root
from bot.eventlog.key_file import read_key
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_reader

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

OLD = Path(__file__).parents[1] / "corpus" / "0.1.0" / "types"
MASTER, OTHER = bytes(range(32)), bytes(reversed(range(32)))
LOG_ID = bytes(16)
START = ChainStart(1, 1, Root(LOG_ID).digest())


@contextmanager
def stored(
    master: bytes = MASTER, *, log_id: bytes = LOG_ID, numbered: dict[int, bytes] | None = None
) -> Iterator[sqlite3.Connection]:
    """Open a database that holds keys, wrapped under ``master``."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT")
        connection.executescript(next(script for name, script in database.migrations() if "keys" in name))
        connection.execute("INSERT INTO meta VALUES ('log_id', ?)", (log_id,))
        known = keys.LogKeys(log_id, numbered or {1: b"1" * 32, 2: b"2" * 32}, START)
        keys.save(connection, known, master, 5)
        yield connection


def test_what_was_wrapped_is_unwrapped_by_the_master_key_alone() -> None:
    """Another one is told, and nothing of the keys is."""
    with stored() as connection:
        assert keys.read(connection, MASTER) == keys.LogKeys(LOG_ID, {1: b"1" * 32, 2: b"2" * 32}, START)
        with pytest.raises(KeyMismatch, match=r"is not the one the log was made with.*Nothing was changed"):
            keys.read(connection, OTHER)


def test_the_same_keys_are_wrapped_otherwise_each_time_and_in_each_log() -> None:
    """So that rows of another log, or of another time, can't be told from noise."""
    with stored() as one, stored() as two, stored(log_id=bytes(15) + b"1") as three:
        wrapped = [row for each in (one, two, three) for row in each.execute("SELECT wrapped FROM keys")]

    assert len(set(wrapped)) == 6


FORGED = {
    "a key taken away": "DELETE FROM keys WHERE number = 2",
    "all keys taken away": "DELETE FROM keys",
    "a key by another number": "UPDATE keys SET number = 3 WHERE number = 2",
    "a key made older": "UPDATE keys SET wrapped_at = 4 WHERE number = 2",
    "a key of zeros added": "INSERT INTO keys VALUES (3, 5, zeroblob(60))",
    "a key cut short": "UPDATE keys SET wrapped = substr(wrapped, 1, 20) WHERE number = 2",
    "a key of nothing": "UPDATE keys SET wrapped = x'' WHERE number = 2",
    "a key copied over another": "UPDATE keys SET wrapped = (SELECT wrapped FROM keys WHERE number = 1)",
    "no identity": "DELETE FROM meta WHERE name = 'log_id'",
    "no note": "DELETE FROM meta WHERE name = 'chain'",
    "a note cut short": "UPDATE meta SET value = substr(value, 1, 40) WHERE name = 'chain'",
    "a note of zeros": "UPDATE meta SET value = zeroblob(80) WHERE name = 'chain'",
    "a note with more after it": "UPDATE meta SET value = CAST(value || x'00' AS BLOB) WHERE name = 'chain'",
    "a log of the first releases, half": "INSERT INTO meta VALUES ('key_proof', zeroblob(42))",
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_a_change_of_what_is_stored_of_the_keys_is_refused(change: str) -> None:
    """The note is authenticated by a key of the log, and covers all of them."""
    with stored() as connection:
        assert connection.execute(change).rowcount
        with pytest.raises(LogDamaged, match="keys was changed outside the bot"):
            keys.read(connection, MASTER)


@pytest.mark.parametrize("bit", range(0, 640, 7))
def test_the_note_of_where_the_chain_begins_can_not_be_changed(bit: int) -> None:
    """Not by one bit."""
    with stored() as connection:
        ((note,),) = connection.execute("SELECT value FROM meta WHERE name = 'chain'").fetchall()
        forged = bytearray(note)
        forged[bit // 8 % len(note)] ^= 1 << bit % 8
        connection.execute("UPDATE meta SET value = ? WHERE name = 'chain'", (bytes(forged),))

        with pytest.raises(LogDamaged):
            keys.read(connection, MASTER)


def test_keys_of_an_earlier_time_are_refused_once_there_are_others() -> None:
    """Though they were wrapped under the same master key, in the same log."""
    with stored() as connection:
        (before,) = connection.execute("SELECT * FROM keys WHERE number = 1").fetchall()
        known = keys.read(connection, MASTER).with_new()
        keys.save(connection, known, MASTER, 6)
        connection.execute("DELETE FROM keys")
        connection.execute("INSERT INTO keys VALUES (?, ?, ?)", before)

        with pytest.raises(LogDamaged):
            keys.read(connection, MASTER)


def test_a_new_key_is_the_newest_and_those_that_nothing_needs_can_go() -> None:
    """What links events stays needed."""
    known = keys.LogKeys(LOG_ID, {1: b"1" * 32, 2: b"2" * 32}, START).with_new()

    assert (known.newest, len(set(known.numbered.values()))) == (3, 3)
    assert known.with_needed().numbered.keys() == {1, 3}


async def test_a_new_log_has_one_key_and_an_identity(location: Location, opened: Opener) -> None:
    """No proof of a first release's key."""
    async with opened(location):
        pass
    with closing(sqlite3.connect(location.database)) as connection:
        meta = dict(connection.execute("SELECT name, value FROM meta"))
        numbers = connection.execute("SELECT number FROM keys").fetchall()

    assert (meta.keys() & {"log_id", "chain", "key_proof"}, numbers) == ({"log_id", "chain"}, [(1,)])
    assert len(meta["log_id"]) == 16


async def test_two_logs_under_one_master_key_have_nothing_in_common(tmp_path: Path, opened: Opener) -> None:
    """Neither identity nor keys."""
    both = [Location(tmp_path / name, key=MASTER) for name in ("one", "two")]
    for location in both:
        async with opened(location):
            pass
    one, two = (database.look(location.database, lambda raw: keys.read(raw, MASTER)) for location in both)

    assert one.log_id != two.log_id
    assert one.numbered[1] != two.numbered[1]


@pytest.mark.sqlite_only("older releases have no engines")
async def test_a_log_of_the_first_release_is_given_keys_at_its_first_start(tmp_path: Path, opened: Opener) -> None:
    """Its own master key is one of them, because its words are sealed with it."""
    old = Location(Path(shutil.copytree(OLD, tmp_path / "old")))
    master = read_key(old.key_path)
    before = database.look(old.database, lambda raw: keys.read(raw, master))
    with pytest.raises(LogError, match="start the bot once"):
        before.chain()

    async with opened(old) as log:
        head = await log.reader.head("channel:1")
        await log.append("channel:1", [e.Draft(e.RepliesPaused(by="me"))], expected_version=head)

    known = database.look(old.database, lambda raw: keys.read(raw, master))
    assert known.numbered.keys() == {0, 1}
    assert known.numbered[0] == master
    assert known.start is not None
    assert known.start.first == 68
    reader = await open_reader(old)
    try:
        assert len(await reader.bodies(range(100))) == 4  # most of the others are of a channel that was deleted
    finally:
        await reader.close()


CHAIN = Chain(START, b"l" * 32, b"w" * 32)


def test_a_hash_depends_on_the_key_and_on_everything_before_the_event() -> None:
    """In its stream and in the log."""
    links = {
        CHAIN.link(GENESIS, START.root, b"fields"),
        CHAIN.link(bytes(31) + b"1", START.root, b"fields"),
        CHAIN.link(GENESIS, GENESIS, b"fields"),
        CHAIN.link(GENESIS, START.root, b"fieldz"),
        Chain(START, b"m" * 32, b"w" * 32).link(GENESIS, START.root, b"fields"),
    }

    assert len(links) == 5
    assert {len(link) for link in links} == {32}


def test_a_digest_depends_on_the_key_the_salt_the_words_and_whose_they_are() -> None:
    """Nobody's words are not those of person 0."""
    digests = {
        CHAIN.digest(bytes(16), 7, b"words"),
        CHAIN.digest(bytes(15) + b"1", 7, b"words"),
        CHAIN.digest(bytes(16), 0, b"words"),
        CHAIN.digest(bytes(16), None, b"words"),
        CHAIN.digest(bytes(16), 7, b"wordz"),
        Chain(START, b"l" * 32, b"x" * 32).digest(bytes(16), 7, b"words"),
    }

    assert len(digests) == 6
