"""Files that are not, or no longer, a log: refused by name, and left as they are."""

from __future__ import annotations

import shutil
import sqlite3
import struct
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from bot.core import events as e
from bot.errors import LogDamaged, LogError, LogForeign, LogUnwritable
from bot.eventlog import database, header
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_reader
from bot.eventlog.verify import verify

pytestmark = pytest.mark.sqlite_only("is about copies and pieces of SQLite's files")

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

STREAM = "channel:1"
MESSAGES = 300
PAGE = database.PAGE_SIZE


def said(message_id: int) -> e.Draft:
    """Somebody posts a long message, so that the log has pages of every kind."""
    body = e.Body(name="Ada", parts=(f"{message_id} " * 150,))
    return e.Draft(e.MessageReceived(message_id=message_id, author_id=7, sent_at=1), body, subject_id=7)


def contents(folder: Path) -> dict[str, bytes]:
    """Read everything that lies in a folder, but what every connection maps and makes anew (-shm)."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.suffix != ".db-shm"}


def sql(path: Path, script: str) -> None:
    """Change a database behind the log's back."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


@pytest.fixture
async def made(location: Location, opened: Opener) -> Location:
    """Return a log of some pages, closed in good order, so that nothing waits in the write-ahead log."""
    async with opened(location) as log:
        await log.append_units(STREAM, [[said(number)] for number in range(MESSAGES)])
    assert [path.name for path in location.folder.iterdir() if "wal" in path.name] == []
    return location


@pytest.fixture
async def crashed(location: Location, tmp_path: Path, opened: Opener) -> Location:
    """Return what a killed process leaves: everything appended is in the write-ahead log alone."""
    left = Location(tmp_path / "crashed")
    async with opened(location) as log:
        await log.append_units(STREAM, [[said(number)] for number in range(MESSAGES)])
        shutil.copytree(location.folder, left.folder)
    assert (left.folder / "events.db-wal").stat().st_size > PAGE
    return left


async def refused(location: Location, opened: Opener) -> LogError:
    """Return the refusal to open a log, the same for owners and readers, and hold it to have changed nothing."""
    before = contents(location.folder)
    with pytest.raises(LogError) as owning:
        async with opened(location):
            pass
    assert {**contents(location.folder), "owner.lock": b""} == {**before, "owner.lock": b""}
    with pytest.raises(LogError) as reading:
        await open_reader(location)

    assert contents(location.folder).keys() - {"owner.lock"} == before.keys() - {"owner.lock"}
    assert type(owning.value) is type(reading.value)
    assert str(location.database) in str(owning.value)
    return owning.value


async def count(location: Location, opened: Opener) -> int:
    """Return how many events a log has, and hold them to verify."""
    async with opened(location) as log:
        progress = [progress async for progress in verify(log.reader)]
        assert [finding for one in progress for finding in one.findings] == []
        await log.append(STREAM, [said(MESSAGES)])
        return sum(one.events for one in progress)


LENGTHS = [0, 1, 15, 16, 99, 100, 101, 512, PAGE - 1, PAGE, PAGE + 1, 5 * PAGE, 20 * PAGE + 77, -PAGE, -1]


@pytest.mark.parametrize("length", LENGTHS)
async def test_a_file_cut_short_is_refused(made: Location, opened: Opener, length: int) -> None:
    """Wherever it was cut; a negative length counts from the end."""
    whole = made.database.read_bytes()
    made.database.write_bytes(whole[:length])

    error = await refused(made, opened)

    assert isinstance(error, LogDamaged)
    assert "restore the folder from a backup" in str(error)


async def test_the_refusal_of_a_short_file_says_how_much_is_there(made: Location, opened: Opener) -> None:
    """So that a copy that stopped half way is recognized."""
    whole = made.database.read_bytes()
    made.database.write_bytes(whole[: 5 * PAGE])

    assert f"cut short: {5 * PAGE} of {len(whole)} bytes" in str(await refused(made, opened))


async def test_a_header_that_names_too_many_pages_takes_no_memory(made: Location) -> None:
    """Four bytes of damage name 17 TB; the list of the pages that are missing would not fit into a machine."""
    with made.database.open("r+b") as file:
        file.seek(28)
        file.write(struct.pack(">I", 2**22))
    tracemalloc.start()
    try:
        with pytest.raises(LogDamaged, match="cut short"):
            header.inspect(made.database)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 10**6


async def test_a_file_longer_than_it_says_is_opened(made: Location, opened: Opener) -> None:
    """The database does not reach there: a write that a full disk ended leaves such a tail."""
    with made.database.open("ab") as file:
        file.write(bytes(100))

    assert await count(made, opened) == MESSAGES


async def test_what_a_killed_process_left_is_recovered(crashed: Location, opened: Opener) -> None:
    """From the write-ahead log."""
    assert await count(crashed, opened) == MESSAGES


@pytest.mark.parametrize("beyond", [0, PAGE, 2 * PAGE, 2 * PAGE + 100, -PAGE, -100])
async def test_a_checkpoint_that_was_interrupted_is_repeated(
    crashed: Location, location: Location, opened: Opener, beyond: int
) -> None:
    """The file has its new first page and is short still; the write-ahead log holds the rest."""
    checkpointed = location.database.read_bytes()
    before = crashed.database.stat().st_size
    crashed.database.write_bytes(checkpointed[: beyond if beyond < 0 else before + beyond])

    assert await count(crashed, opened) == MESSAGES


async def test_a_checkpoint_that_was_interrupted_needs_its_write_ahead_log(
    crashed: Location, location: Location, opened: Opener
) -> None:
    """Without it the file is just cut short."""
    crashed.database.write_bytes(location.database.read_bytes()[:-PAGE])
    (crashed.folder / "events.db-wal").write_bytes(b"")

    assert isinstance(await refused(crashed, opened), LogDamaged)


async def test_a_checkpoint_that_ends_while_the_file_is_looked_at_is_no_damage(
    made: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers come at any moment of the owner's; by the end of a checkpoint the write-ahead log may begin anew."""
    whole = made.database.read_bytes()
    made.database.write_bytes(whole[: 5 * PAGE])

    def ends(path: Path, page_size: int) -> set[int]:
        assert page_size == PAGE
        path.write_bytes(whole)
        return set()

    monkeypatch.setattr(header, "wal_pages", ends)
    assert header.inspect(made.database) == len(database.migrations())


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"Dear diary,\n" * 1000, id="text"),
        pytest.param(bytes(100_000), id="zeros"),
        pytest.param(b"SQLite format 4\x00" + bytes(200), id="another magic"),
    ],
)
async def test_a_file_that_is_no_database_is_refused(made: Location, opened: Opener, content: bytes) -> None:
    """Whatever it is, it stays."""
    made.database.write_bytes(content)

    error = await refused(made, opened)

    assert isinstance(error, LogDamaged)
    assert f"is not an SQLite database ({len(content)} bytes)" in str(error)


@pytest.mark.parametrize("application_id", [0, 1, 0x45636870])
async def test_another_programs_database_is_refused(made: Location, opened: Opener, application_id: int) -> None:
    """Also one that looks like ours but does not say so."""
    sql(made.database, f"PRAGMA application_id = {application_id}")

    error = await refused(made, opened)

    assert isinstance(error, LogForeign)
    assert "belongs to another program" in str(error)


async def test_a_foreign_database_is_refused(location: Location, opened: Opener) -> None:
    """Made by any other program, and no key is made beside it."""
    location.folder.mkdir()
    sql(location.database, "CREATE TABLE notes (text)")

    assert isinstance(await refused(location, opened), LogForeign)
    assert not location.key_path.exists()


async def test_a_newer_releases_log_is_refused(made: Location, opened: Opener) -> None:
    """By the version of its schema."""
    sql(made.database, "PRAGMA user_version = 99")

    error = await refused(made, opened)

    assert isinstance(error, LogForeign)
    assert "schema version 99" in str(error)


async def test_a_newer_releases_log_is_refused_before_its_checkpoint(made: Location, opened: Opener) -> None:
    """A newer release that was killed leaves its schema version in the write-ahead log alone."""
    with closing(sqlite3.connect(made.database)) as connection:
        connection.executescript("PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 99")
        left = Location(made.folder.with_name("left"))
        shutil.copytree(made.folder, left.folder)

    error = await refused(left, opened)

    assert isinstance(error, LogForeign)
    assert "schema version 99" in str(error)


@pytest.mark.parametrize("size", [0, 1000, 3, 65535])
async def test_an_impossible_page_size_is_damage(made: Location, opened: Opener, size: int) -> None:
    """The header's other fields may be whole."""
    whole = bytearray(made.database.read_bytes())
    whole[16:18] = struct.pack(">H", size)
    made.database.write_bytes(whole)

    assert isinstance(await refused(made, opened), LogDamaged)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(100, PAGE, id="the first page"),
        pytest.param(PAGE, -1, id="all but the first page"),
        pytest.param(100, -1, id="all but the header"),
    ],
)
async def test_rubbish_behind_a_whole_header_is_damage(made: Location, opened: Opener, start: int, end: int) -> None:
    """The size fits, so that only the database can tell."""
    whole = bytearray(made.database.read_bytes())
    whole[start:end] = b"\xab" * len(whole[start:end])
    made.database.write_bytes(whole)

    with pytest.raises(LogDamaged, match="restore the folder from a backup"):
        async with opened(made):
            pass
    assert made.database.read_bytes() == whole


async def test_a_log_without_its_tables_is_damage(location: Location, opened: Opener) -> None:
    """Somebody made it so by hand."""
    location.folder.mkdir()
    location.key_path.write_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    sql(location.database, f"PRAGMA application_id = {database.APPLICATION_ID}; CREATE TABLE notes (text)")

    with pytest.raises(LogDamaged, match="restore the folder from a backup"):
        async with opened(location):
            pass


async def test_a_folder_that_is_a_file_is_refused(tmp_path: Path, opened: Opener) -> None:
    """It is left as it is."""
    file = tmp_path / "log"
    file.write_text("notes")

    with pytest.raises(LogUnwritable, match="can't be made: File exists"):
        async with opened(Location(file)):
            pass
    with pytest.raises(LogError):
        await open_reader(Location(file))
    assert file.read_text() == "notes"


async def test_a_database_that_is_a_folder_is_refused(location: Location, opened: Opener) -> None:
    """By owners and readers."""
    location.database.mkdir(parents=True)

    assert isinstance(await refused(location, opened), LogUnwritable)
