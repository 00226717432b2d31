"""What a first start makes, what a later one finds."""

from __future__ import annotations

import asyncio
import base64
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from itertools import count
from pathlib import Path

import pytest

from bot.core import events as e
from bot.errors import LogError, LogUnwritable
from bot.eventlog import database
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log, open_reader

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

STREAM = "channel:1"
RELEASED = database.migrations()
WORKS = "ALTER TABLE unfinished ADD COLUMN note TEXT;"
FAILS = "CREATE TABLE meta (half);"


def said(message_id: int) -> e.Draft:
    """Somebody posts a message."""
    return e.Draft(e.MessageReceived(message_id=message_id, author_id=7, sent_at=1), e.Body(parts=("hello",)))


@pytest.mark.parametrize("fails", [False, True])
async def test_who_gives_up_opening_leaves_no_thread(opened: Opener, tmp_path: Path, *, fails: bool) -> None:
    """As with Ctrl-C: the thread would find the loop closed, and say so with a traceback."""
    location = Location(tmp_path)
    async with opened(location):
        pass
    go_on, threads = threading.Event(), set(threading.enumerate())

    def prepare(_: sqlite3.Connection) -> None:
        go_on.wait()
        if fails:
            raise sqlite3.OperationalError

    opening = asyncio.create_task(database._connect(f"file:{location.database}?mode=ro", prepare))
    await asyncio.sleep(0)
    opening.cancel()
    asyncio.get_running_loop().call_soon(go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await opening

    assert not [each for each in set(threading.enumerate()) - threads if "connection_worker" in each.name]


async def opened_until(step: int, location: Location, clock: Callable[[], int]) -> EventLog | None:
    """Open a log, and give up at a step: one is each thing asked of the database. Return None where it came to that."""
    asked, submit = count(1), database.Connection.submit

    def left(connection: database.Connection, work: Callable[[sqlite3.Connection], object]) -> object:
        future = submit(connection, work)
        if next(asked) == step:
            asyncio.get_running_loop().call_soon(opening.cancel)
        return future

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database.Connection, "submit", left)
        opening = asyncio.create_task(open_log(location, clock=clock, full=False))
        await asyncio.wait((opening,))
    return None if opening.cancelled() else opening.result()


@pytest.mark.parametrize("first", [False, True], ids=["a log", "the first start"])
async def test_who_gives_up_opening_leaves_a_whole_log(
    opened: Opener, tmp_path: Path, clock: Callable[[], int], *, first: bool
) -> None:
    """As with Ctrl-C, at each step."""
    whole, step = None, 0
    while whole is None:
        step += 1
        location = Location(tmp_path / str(step))
        if not first:
            async with opened(location) as log:
                await log.append(STREAM, [said(1)])

        whole = await opened_until(step, location, clock)

        if whole is not None:
            await whole.close()
        async with opened(location) as log:
            assert await log.reader.head(STREAM) == int(not first)
    assert step > 3


async def pragma(log: EventLog, name: str) -> object:
    """Ask the writing connection for a setting."""
    row = await log._writer.connection.run(lambda connection: connection.execute(f"PRAGMA {name}").fetchone())
    return row[0]


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Set the process's umask for the length of a ``with`` block."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page_size", 4096),
        ("auto_vacuum", 2),
        ("journal_mode", "wal"),
        ("secure_delete", 1),
        ("application_id", 0x4563686F),
        ("user_version", len(database.migrations())),
        ("integrity_check", "ok"),
    ],
)
async def test_the_file_is_made_as_measured(location: Location, opened: Opener, name: str, value: object) -> None:
    """At the first start, and at the next one."""
    for _ in range(2):
        async with opened(location) as log:
            assert await pragma(log, name) == value


@pytest.mark.sqlite_only("a view that loses its newest commits has them from its engine")
@pytest.mark.parametrize(("full", "synchronous"), [(True, 2), (False, 1)], ids=["full", "normal"])
async def test_durability_is_a_setting(
    location: Location,
    clock: Callable[[], int],
    *,
    full: bool,
    synchronous: int,
) -> None:
    """Full syncs every commit; normal leaves the last ones to the operating system."""
    log = await open_log(location, clock=clock, full=full)
    try:
        assert await pragma(log, "synchronous") == synchronous
    finally:
        await log.close()


@pytest.mark.sqlite_only("a view that loses its newest commits has them from its engine")
async def test_full_durability_is_the_default(location: Location, clock: Callable[[], int]) -> None:
    """Nobody loses a power supply's worth of answers by leaving the setting out."""
    log = await open_log(location, clock=clock)
    try:
        assert await pragma(log, "synchronous") == 2
    finally:
        await log.close()


async def test_a_log_is_its_owners_alone(location: Location, opened: Opener) -> None:
    """Whatever the umask: people's words, and the key to them."""
    with umask(0):
        async with opened(location) as log:
            await log.append(STREAM, [said(1)])
            modes = {path.name: path.stat().st_mode & 0o777 for path in location.folder.iterdir()}

    assert location.folder.stat().st_mode & 0o777 == 0o700
    assert {name: mode for name, mode in modes.items() if name != "owner.json"} == dict.fromkeys(
        ["events.db", "events.db-wal", "events.db-shm", "owner.lock", "vault.key"], 0o600
    )


async def test_folders_on_the_way_are_made(tmp_path: Path, opened: Opener) -> None:
    """The setting may name a folder in a folder that is not there yet."""
    async with opened(Location(tmp_path / "a" / "b" / "log")) as log:
        await log.append(STREAM, [said(1)])


@pytest.mark.parametrize("name", ["with space", "per%20cent", "question?mode=rw", "hash#tag", "ünïcödé"])
async def test_a_folder_may_have_any_name(tmp_path: Path, opened: Opener, name: str) -> None:
    """The reading connection names the file by a URI, in which some characters mean something."""
    location = Location(tmp_path / name)
    async with opened(location) as log:
        await log.append(STREAM, [said(1)])
        assert await log.reader.head(STREAM) == 1

    assert [path.name for path in tmp_path.iterdir()] == [name]


async def test_a_folder_may_be_named_relatively(
    tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the default setting does."""
    monkeypatch.chdir(tmp_path)
    async with opened(Location(Path("data"))) as log:
        await log.append(STREAM, [said(1)])
        assert await log.reader.head(STREAM) == 1


async def test_a_first_start_that_was_interrupted_is_repeated(location: Location, opened: Opener) -> None:
    """What it left half made is in nobody's way."""
    location.folder.mkdir()
    location.key_path.touch(mode=0o600)
    for name in ("events.db.new", "events.db.new-journal", "events.db.new-wal"):
        (location.folder / name).write_bytes(b"half made" * 1000)
    async with opened(location) as log:
        await log.append(STREAM, [said(1)])

    assert {path.name for path in location.folder.iterdir()} == {"events.db", "owner.lock", "vault.key"}


async def test_a_first_start_that_fails_leaves_no_log(
    location: Location, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It appears whole or not at all; the next start makes it."""
    with monkeypatch.context() as patch:
        patch.setattr(database, "migrations", lambda: (("0001_log.sql", f"{RELEASED[0][1]} {FAILS}"),))
        with pytest.raises(sqlite3.OperationalError, match="already exists"):
            async with opened(location):
                pass
        assert not location.database.exists()

    async with opened(location) as log:
        assert len((await log.append(STREAM, [said(1)])).new) == 1


async def test_a_migration_is_applied_once_and_noted(
    location: Location, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older log is brought up to date with what it holds."""
    async with opened(location) as log:
        first = await log.append(STREAM, [said(1)])
    monkeypatch.setattr(database, "migrations", lambda: (*RELEASED, ("9999_more.sql", WORKS)))
    for _ in range(2):
        async with opened(location) as log:
            assert (await log.append(STREAM, [said(1)])).known == first.new

    with closing(sqlite3.connect(location.database)) as connection:
        noted = connection.execute("SELECT name FROM migrations ORDER BY number").fetchall()
        assert noted == [*((name,) for name, _ in RELEASED), ("9999_more.sql",)]


async def test_a_migration_that_fails_changes_nothing(
    location: Location, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a migration is rolled back, and the older release still opens the log."""
    async with opened(location) as log:
        first = await log.append(STREAM, [said(1)])
    with monkeypatch.context() as patch:
        patch.setattr(database, "migrations", lambda: (*RELEASED, ("9999_more.sql", f"{WORKS} {FAILS}")))
        with pytest.raises(sqlite3.OperationalError):
            async with opened(location):
                pass

    async with opened(location) as log:
        assert (await log.append(STREAM, [said(1)])).known == first.new
        assert await pragma(log, "user_version") == len(database.migrations())
    monkeypatch.setattr(database, "migrations", lambda: (*RELEASED, ("9999_more.sql", WORKS)))
    async with opened(location) as log:
        assert await pragma(log, "user_version") == len(RELEASED) + 1


async def test_a_key_may_be_given(location: Location, opened: Opener) -> None:
    """Then no key file is made."""
    given = Location(location.folder, key=bytes(32))
    for _ in range(2):
        async with opened(given) as log:
            await log.append(STREAM, [said(1)])
            assert (await log.reader.bodies([1]))[1].text == "hello"

    assert not location.key_path.exists()


async def test_a_key_file_may_lie_elsewhere(location: Location, tmp_path: Path, opened: Opener) -> None:
    """It is made there at the first start, with its folder."""
    elsewhere = Location(location.folder, key_file=tmp_path / "keys" / "echoless.key")
    for _ in range(2):
        async with opened(elsewhere) as log:
            await log.append(STREAM, [said(1)])

    assert len(base64.b64decode(elsewhere.key_path.read_bytes())) == 32
    assert elsewhere.key_path.stat().st_mode & 0o777 == 0o600
    assert not location.key_path.exists()


async def test_a_key_file_that_is_there_is_used(location: Location, opened: Opener) -> None:
    """Somebody may have laid it there before the first start."""
    location.folder.mkdir()
    location.key_path.write_bytes(base64.b64encode(bytes(range(32))))
    async with opened(location) as log:
        await log.append(STREAM, [said(1)])
    async with opened(Location(location.folder, key=bytes(range(32)))) as log:
        assert (await log.reader.bodies([1]))[1].text == "hello"


async def test_reading_needs_a_log(location: Location) -> None:
    """Looking for one makes none."""
    with pytest.raises(LogError, match=r"There is no log in .* start the bot once"):
        await open_reader(location)

    assert not location.folder.exists()


@pytest.mark.parametrize("folder", ["/proc/echoless", "/proc/self/echoless", "/proc/self", "/proc/version"])
async def test_a_folder_that_nobody_can_write_is_refused(folder: str, opened: Opener) -> None:
    """Not even root."""
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")

    with pytest.raises(LogUnwritable, match=rf"The log folder {folder} can't be"):
        async with opened(Location(Path(folder))):
            pass


async def test_a_folder_without_permission_is_refused(location: Location, opened: Opener) -> None:
    """Before anything is made in it."""
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    location.folder.mkdir(mode=0o500)

    with pytest.raises(LogUnwritable, match="can't be written: change its permissions"):
        async with opened(location):
            pass
    assert list(location.folder.iterdir()) == []


async def test_a_name_too_long_is_refused(tmp_path: Path, opened: Opener) -> None:
    """By writers and readers alike."""
    location = Location(tmp_path / ("long" * 100))

    with pytest.raises(LogUnwritable, match="can't be made"):
        async with opened(location):
            pass
    with pytest.raises(LogError):
        await open_reader(location)
