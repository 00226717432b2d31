"""Another master key, words sealed anew, events linked anew: nothing is lost, killed at whichever step."""

from __future__ import annotations

import base64
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from bot.core import events as e
from bot.errors import KeyMismatch, LogDamaged, LogError, LogLocked
from bot.eventlog import database, rekeying
from bot.eventlog.anchor import Anchor, anchor_of
from bot.eventlog.key_file import read_key
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_reader
from bot.eventlog.master import find_master
from bot.eventlog.verify import verify
from bot.eventlog.verify_events import Finding
from tests.corpus.facts import Facts, as_lifted, told
from tests.erasing import erase_at
from tests.tampering import tampering

pytestmark = pytest.mark.sqlite_only("only a log in its folder gets other keys there")

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]
Clock = Callable[[], int]

REKEYER = Path(__file__).with_name("rekeyer.py")
ROOT = Path(__file__).parents[2]
OLD = ROOT / "tests" / "corpus" / "0.1.0" / "types"
CHANGES: dict[str, Callable[..., object]] = {
    "rotate": rekeying.rotate,
    "renew": rekeying.renew,
    "rekey": rekeying.relink,
}


def said(message_id: int, text: str) -> e.Draft:
    """Somebody posts a message."""
    event = e.MessageReceived(message_id=message_id, author_id=7, sent_at=1)
    return e.Draft(event, e.Body(name="Ada", parts=(text,)), subject_id=7)


@pytest.fixture
async def made(location: Location, opened: Opener) -> Location:
    """Return a log of two streams, in which the words of one event are erased."""
    async with opened(location) as log:
        for number in range(4):
            await log.append(f"channel:{number % 2}", [said(number, f"words {number}")])
        await erase_at(log, 2)
        await log.append("bot", [e.Draft(e.BotStopped(reason="end"))])
    return location


@pytest.fixture
def old(tmp_path: Path) -> Location:
    """Return a log that 0.1.0 recorded, as nobody has opened it since."""
    return Location(Path(shutil.copytree(OLD, tmp_path / "old")))


async def judged(location: Location, *, key: bytes | None = None, anchor: Anchor | None = None) -> list[Finding]:
    """Verify a log."""
    reader = await open_reader(Location(location.folder, key=key))
    try:
        return [found async for progress in verify(reader, anchor=anchor) for found in progress.findings]
    finally:
        await reader.close()


LAST_OF_OLD = 67


async def read_old(location: Location) -> tuple[Facts, Facts]:
    """Return all that a log of 0.1.0 says of its events of then, and what it says once it is of this release."""
    reader = await open_reader(location)
    try:
        facts = await told(reader, upto=LAST_OF_OLD)
        return facts, await as_lifted(facts, reader)
    finally:
        await reader.close()


async def read(location: Location, *, key: bytes | None = None) -> Facts:
    """Return all that a log says."""
    reader = await open_reader(Location(location.folder, key=key))
    try:
        return await told(reader)
    finally:
        await reader.close()


def rows(location: Location, sql: str) -> list[tuple[object, ...]]:
    """Return what lies in the database."""
    with closing(sqlite3.connect(location.database)) as connection:
        return connection.execute(sql).fetchall()


def anchored(location: Location) -> Anchor:
    """Return the anchor of a log."""
    return database.look(location.database, anchor_of)


EVENTS = "SELECT * FROM events ORDER BY position"


async def test_another_master_key_opens_the_log_and_the_one_before_does_not(made: Location, clock: Clock) -> None:
    """Not one event is written anew, and anchors fit as before."""
    before, stored, anchor = await read(made), rows(made, EVENTS), anchored(made)
    first = read_key(made.key_path)

    rekeying.rotate(made, clock=clock)

    assert read_key(made.key_path) != first
    assert (made.key_path.stat().st_mode & 0o777, made.next_key_path.exists()) == (0o600, False)
    assert rows(made, EVENTS) == stored
    assert await read(made) == before
    assert await judged(made, anchor=anchor) == []
    with pytest.raises(KeyMismatch):
        await read(made, key=first)


async def test_the_key_before_stays_beside_the_new_one_for_backups(
    made: Location, clock: Clock, tmp_path: Path
) -> None:
    """Else a copy of the log that was made without its key could be read by nobody."""
    backup = Location(tmp_path / "backup", key_file=made.old_key_path)
    backup.folder.mkdir()
    shutil.copy(made.database, backup.database)
    before = await read(made)

    rekeying.rotate(made, clock=clock)

    assert await read(backup, key=read_key(made.old_key_path)) == before


async def test_a_key_that_was_given_is_taken_over_by_its_owner(
    location: Location, opened: Opener, clock: Clock
) -> None:
    """The new one is in a file until then, and the key file of nobody is touched."""
    given = Location(location.folder, key=bytes(range(32)))
    async with opened(given) as log:
        await log.append("channel:1", [said(1, "hello")])

    rekeying.rotate(given, clock=clock)

    new = read_key(given.next_key_path)
    assert not given.key_path.exists()
    assert (await read(given, key=new))["events"][0]["words"]["parts"] == ["hello"]
    with pytest.raises(KeyMismatch):
        rekeying.rotate(given, clock=clock)
    assert read_key(given.next_key_path) == new


async def test_words_are_sealed_anew_and_nothing_else_changes(made: Location, clock: Clock) -> None:
    """The chain covers their digests, so anchors fit as before; what is erased stays so."""
    before, anchor = await read(made), anchored(made)
    fixed = "SELECT position, hash, body_digest, subject_id, salt FROM events ORDER BY position"
    stored, sealed = rows(made, fixed), rows(made, "SELECT sealed FROM events")

    assert rekeying.renew(made, clock=clock) == 3

    assert rows(made, fixed) == stored
    assert not {seal for (seal,) in rows(made, "SELECT sealed FROM events") if seal} & {seal for (seal,) in sealed}
    assert await read(made) == before
    assert await judged(made, anchor=anchor) == []


async def test_each_renewal_is_of_all_words(made: Location, clock: Clock) -> None:
    """And leaves two keys: the one that seals words and the one that links events."""
    assert [rekeying.renew(made, clock=clock) for _ in range(3)] == [3, 3, 3]
    assert rows(made, "SELECT number FROM keys ORDER BY number") == [(1,), (4,)]


async def test_events_are_linked_anew(made: Location, clock: Clock, opened: Opener) -> None:
    """Under the newest key, which is the only one then; the bot goes on from there, and an older anchor is told."""
    before, anchor = await read(made), anchored(made)
    hashes = rows(made, "SELECT hash FROM events")
    rekeying.renew(made, clock=clock)

    assert rekeying.relink(made, clock=clock) == 6

    assert not set(rows(made, "SELECT hash FROM events")) & set(hashes)
    assert rows(made, "SELECT number FROM keys") == [(2,)]
    assert await read(made) == before
    assert await judged(made) == []
    assert [str(found) for found in await judged(made, anchor=anchor)] == [
        "the log: what it holds up to position 6 is not what the anchor stands for"
    ]
    async with opened(made) as log:
        await log.append("channel:1", [said(9, "more")])
    assert await judged(made, anchor=None) == []


async def test_a_log_with_a_fault_is_not_linked_anew(made: Location, clock: Clock) -> None:
    """The new chain would hide it."""
    with tampering(made.database) as connection:
        connection.execute("UPDATE events SET recorded_at = 1 WHERE position = 3")
    stored = rows(made, EVENTS)

    with pytest.raises(LogDamaged, match=r"channel:0 v2: its hash does not fit.*Nothing was changed"):
        rekeying.relink(made, clock=clock)

    assert rows(made, EVENTS) == stored


async def test_a_log_of_the_first_release_is_lifted(old: Location, clock: Clock) -> None:
    """No plain hash, no seal of the first form and no key of then is left."""
    _, lifted = await read_old(old)

    rekeying.rotate(old, clock=clock)
    rekeying.renew(old, clock=clock)
    rekeying.relink(old, clock=clock)

    assert (await read_old(old))[0] == lifted
    assert await judged(old) == []
    assert rows(old, "SELECT DISTINCT substr(sealed, 1, 3) FROM events WHERE sealed IS NOT NULL") == [
        (b"\x02\x00\x02",)
    ]
    assert rows(old, "SELECT number FROM keys") == [(2,)]
    assert rows(old, "SELECT name FROM meta WHERE name IN ('key_proof', 'log_id', 'chain') ORDER BY name") == [
        ("chain",),
        ("log_id",),
    ]


@pytest.mark.parametrize("name", CHANGES)
async def test_a_log_that_a_bot_has_open_is_refused(made: Location, opened: Opener, clock: Clock, name: str) -> None:
    """By the name of the process that has it."""
    async with opened(made):
        with pytest.raises(LogLocked, match=f"belongs to process {os.getpid()}"):
            CHANGES[name](made, clock=clock)


@pytest.mark.parametrize("name", CHANGES)
def test_where_there_is_no_log_nothing_is_made(location: Location, clock: Clock, name: str) -> None:
    """The folder may be mistyped."""
    with pytest.raises(LogError, match="There is no log"):
        CHANGES[name](location, clock=clock)
    assert not location.folder.exists()


@pytest.mark.parametrize("name", CHANGES)
async def test_another_key_is_refused(made: Location, clock: Clock, name: str) -> None:
    """Nothing is changed."""
    made.key_path.write_bytes(base64.b64encode(bytes(range(32))))
    before = {path.name: path.read_bytes() for path in made.folder.iterdir() if path.name != "owner.lock"}

    with pytest.raises(KeyMismatch):
        CHANGES[name](made, clock=clock)

    after = {path.name: path.read_bytes() for path in made.folder.iterdir() if path.name != "owner.lock"}
    assert after == before


def killed_at_every_step(location: Location, out: Path, command: str) -> list[Location]:
    """Return copies of a log, to which a command was killed at each of its steps; the last one ended."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = (sys.executable, str(REKEYER), str(location.folder), str(out), command)
    subprocess.run(started, env=environment, check=True)
    return [Location(folder) for folder in sorted(out.iterdir(), key=lambda folder: int(folder.name))]


@pytest.mark.long
@pytest.mark.parametrize(("command", "steps"), [("rotate", 20), ("renew", 25), ("rekey", 35)])
async def test_a_kill_at_any_step_loses_nothing(
    made: Location, opened: Opener, clock: Clock, tmp_path: Path, command: str, steps: int
) -> None:
    """The log is read as it is, the bot starts and goes on, and the command begun again ends."""
    before = await read(made)
    copies = killed_at_every_step(made, tmp_path / "out", command)

    assert len(copies) >= steps
    for location in copies:
        assert await read(location) == before
        assert await judged(location) == []
        async with opened(location) as log:
            await log.append("channel:1", [said(9, "more")])
        assert not location.next_key_path.exists()
        assert await judged(location) == []
        CHANGES[command](location, clock=clock)
        assert (await read(location))["events"][:-1] == before["events"]
        assert await judged(location) == []


@pytest.mark.long
async def test_a_kill_at_any_step_of_the_first_start_loses_nothing(
    old: Location, opened: Opener, tmp_path: Path
) -> None:
    """Of this release with a log of 0.1: a reader reads it, and the next start goes on."""
    before = await read_old(old)
    copies = killed_at_every_step(old, tmp_path / "out", "open")

    assert len(copies) >= 20
    for location in copies:
        assert (await read_old(location))[0] in before
        assert await judged(location) == []
        async with opened(location) as log:
            await log.append("channel:1", [said(9, "more")])
        assert (await read_old(location))[0] == before[1]
        assert await judged(location) == []


async def test_a_reader_finds_the_key_of_a_rotation_that_was_interrupted(made: Location, clock: Clock) -> None:
    """And leaves the files as they are, for the owner to put right."""
    first = read_key(made.key_path)
    rekeying.rotate(made, clock=clock)
    new = read_key(made.key_path)
    made.key_path.replace(made.next_key_path)
    made.old_key_path.replace(made.key_path)

    assert find_master(made) == new
    assert (read_key(made.key_path), read_key(made.next_key_path)) == (first, new)
