"""What an owner looks at before it goes on: whose the files are, whether they are one log, and all of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from bot.core import events as e
from bot.errors import LogDamaged, LogError, LogExposed, LogIncomplete
from bot.eventlog import opening
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_reader
from tests.eventlog.test_recovery import run_and_kill

pytestmark = pytest.mark.sqlite_only("is about copies and pieces of SQLite's files")

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

STREAM = "channel:1"
WAL = "events.db-wal"


def said(message_id: int) -> e.Draft:
    """Somebody posts a message."""
    body = e.Body(name="Ada", parts=("hello " * 50,))
    return e.Draft(e.MessageReceived(message_id=message_id, author_id=7, sent_at=1), body, subject_id=7)


async def append(log: EventLog, first: int, last: int) -> None:
    """Append messages, each in a commit of its own."""
    for number in range(first, last):
        await log.append(STREAM, [said(number)])


async def length(location: Location, opened: Opener) -> int:
    """Open a log as its owner, append one event, and return how many there are."""
    async with opened(location) as log:
        await log.append("bot", [e.Draft(e.BotStopped(reason="end"))])
        return (await log.reader.stats()).events


async def refused(location: Location, opened: Opener, error: type[LogError], says: str, *, reader: bool = True) -> str:
    """Hold owner, and reader, to a refusal that changes nothing, and return the owner's."""
    before = {path.name: path.read_bytes() for path in location.folder.iterdir() if path.suffix != ".lock"}
    with pytest.raises(error, match=says) as refusal:
        async with opened(location):
            pass
    if reader:
        with pytest.raises(error, match=says):
            await open_reader(location)
    after = {path.name: path.read_bytes() for path in location.folder.iterdir() if path.suffix != ".lock"}
    for name in ("events.db-shm", "owner.json"):
        before.pop(name, None)
        after.pop(name, None)
    assert after == before
    return str(refusal.value)


@pytest.fixture
async def made(location: Location, opened: Opener) -> Location:
    """Return a log that was closed in good order."""
    async with opened(location) as log:
        await append(log, 1, 50)
    return location


class TestFiles:
    """Who else could have put a file there."""

    @pytest.mark.parametrize("name", ["events.db", WAL, "events.db-shm", "owner.lock", "owner.json", "vault.key"])
    async def test_a_pipe_is_refused(self, made: Location, opened: Opener, name: str) -> None:
        """Whoever opened it would wait for ever."""
        path = made.folder / name
        path.unlink(missing_ok=True)
        os.mkfifo(path)

        with pytest.raises(LogExposed, match=f"{name} is a pipe"):
            async with opened(made):
                pass
        if "owner" not in name:
            with pytest.raises(LogExposed, match="is a pipe"):
                await open_reader(made)

    @pytest.mark.parametrize("name", ["events.db", WAL, "owner.lock"])
    async def test_a_link_is_refused(self, made: Location, opened: Opener, tmp_path: Path, name: str) -> None:
        """What it leads to could be anything, and SQLite would keep the other files there."""
        path = made.folder / name
        if path.exists():
            path.rename(tmp_path / name)
        path.symlink_to(tmp_path / name)

        with pytest.raises(LogExposed, match="is a symbolic link"):
            async with opened(made):
                pass

    async def test_the_folder_and_the_key_may_be_links(self, made: Location, opened: Opener, tmp_path: Path) -> None:
        """A data folder on another disk; a key that a container platform mounts."""
        made.key_path.rename(tmp_path / "key")
        made.key_path.symlink_to(tmp_path / "key")
        (tmp_path / "link").symlink_to(made.folder)

        assert await length(Location(tmp_path / "link"), opened) == 50

    @pytest.mark.parametrize(("mode", "fine"), [(0o770, True), (0o2775, True), (0o777, False), (0o1777, False)])
    async def test_a_folder_that_everybody_may_write_is_refused(
        self, made: Location, opened: Opener, mode: int, *, fine: bool
    ) -> None:
        """A group is trusted: volumes of containers are mounted so. A sticky bit does not keep new files out."""
        made.folder.chmod(mode)

        if fine:
            assert await length(made, opened) == 50
        else:
            await refused(made, opened, LogExposed, f"chmod o-w {made.folder}", reader=False)
        assert stat.S_IMODE(made.folder.stat().st_mode) == mode

    async def test_another_users_file_is_refused(
        self, made: Location, opened: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Unless that is root, or this process is root's, as in many containers."""
        mine = made.database.stat().st_uid
        monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
        if mine == 0:
            assert await length(made, opened) == 50
            os.chown(made.database, 4711, -1)

        await refused(made, opened, LogExposed, "belongs to another user", reader=False)
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        assert await length(made, opened) > 49


class TestCopies:
    """How a copy was made shows in it."""

    @pytest.fixture
    async def copy(self, made: Location, opened: Opener, tmp_path: Path) -> Location:
        """Return the files of a running log: some events are in the write-ahead log alone."""
        copy = Location(tmp_path / "copy")
        async with opened(made) as log:
            await append(log, 50, 80)
            shutil.copytree(made.folder, copy.folder)
        return copy

    async def test_all_files_of_a_running_log_are_whole(self, copy: Location, opened: Opener) -> None:
        """As the kernel had them in one moment."""
        assert await length(copy, opened) == 80

    async def test_the_database_alone_is_refused(self, copy: Location, opened: Opener) -> None:
        """It would be silently less."""
        (copy.folder / WAL).unlink()

        said = await refused(copy, opened, LogIncomplete, f"{WAL} is missing")

        assert "Copy a log with `echoless backup FILE`" in said

    @pytest.mark.parametrize("size", [0, 32, 100])
    async def test_a_write_ahead_log_without_its_frames_is_refused(
        self, made: Location, opened: Opener, tmp_path: Path, size: int
    ) -> None:
        """The database says that something was written since the log was opened."""
        copy = Location(tmp_path / "copy")
        async with opened(made) as log:
            await append(log, 50, 80)
            await log._writer.connection.run(lambda raw: raw.execute("PRAGMA wal_checkpoint").fetchone())
            shutil.copytree(made.folder, copy.folder)
        os.truncate(copy.folder / WAL, size)

        await refused(copy, opened, LogIncomplete, "copied at another moment")

    async def test_a_database_from_before_a_checkpoint_is_refused(
        self, made: Location, opened: Opener, tmp_path: Path
    ) -> None:
        """The write-ahead log was begun anew between the copies: what is missing is in neither."""
        copy = Location(tmp_path / "copy")
        async with opened(made) as log:
            await append(log, 50, 80)
            shutil.copytree(made.folder, copy.folder)
            await log._writer.connection.run(lambda raw: raw.execute("PRAGMA wal_checkpoint").fetchone())
            await append(log, 80, 90)
            shutil.copy(made.folder / WAL, copy.folder / WAL)

        await refused(copy, opened, LogDamaged, "Something is wrong with the log", reader=False)

    async def test_a_backup_by_sqlite_is_read_and_not_gone_on_from(
        self, made: Location, opened: Opener, tmp_path: Path
    ) -> None:
        """It is whole, and older than what the bot did since."""
        copy = Location(tmp_path / "copy", key_file=made.key_path)
        copy.folder.mkdir()
        async with opened(made) as log:
            await append(log, 50, 80)
            with closing(sqlite3.connect(copy.database)) as target, closing(sqlite3.connect(made.database)) as source:
                source.backup(target)

        await refused(copy, opened, LogIncomplete, "echoless restore", reader=False)
        reader = await open_reader(copy)
        assert (await reader.stats()).events == 79
        await reader.close()

    async def test_a_log_that_was_closed_is_copied_by_its_database(
        self, made: Location, opened: Opener, tmp_path: Path
    ) -> None:
        """Closing brings everything into it."""
        copy = Location(tmp_path / "copy", key_file=made.key_path)
        copy.folder.mkdir()
        shutil.copy(made.database, copy.database)

        assert await length(copy, opened) == 50


class TestKilled:
    """What a killed process leaves is its own log, and nothing is put beside it unnoticed."""

    async def test_its_write_ahead_log_is_needed(self, location: Location, opened: Opener) -> None:
        """Somebody tidied up."""
        run_and_kill(location.folder, 200)
        (location.folder / WAL).unlink()

        await refused(location, opened, LogIncomplete, f"{WAL} is missing")

    async def test_a_kill_right_after_the_write_ahead_log_began_anew_is_no_loss(
        self, made: Location, opened: Opener, tmp_path: Path
    ) -> None:
        """Its new header is written, and no frame yet; the frames of before show that the database has them all."""
        async with opened(made) as log:
            await append(log, 50, 80)
            await log._writer.connection.run(lambda raw: raw.execute("PRAGMA wal_checkpoint").fetchone())
            shutil.copytree(made.folder, tmp_path / "left")
            await append(log, 80, 81)
            header = (made.folder / WAL).read_bytes()[:32]
        left = Location(tmp_path / "left")
        with (left.folder / WAL).open("r+b") as file:
            file.write(header)

        assert await length(left, opened) == 80

    async def test_an_older_database_over_it_is_refused(self, made: Location, opened: Opener, tmp_path: Path) -> None:
        """As when a backup is copied into a folder that the bot did not close."""
        shutil.copy(made.database, tmp_path / "older.db")
        async with opened(made) as log:
            await append(log, 50, 90)
            await log._writer.connection.run(lambda raw: raw.execute("PRAGMA wal_checkpoint").fetchone())
            await append(log, 90, 99)
            shutil.copytree(made.folder, tmp_path / "killed")
        killed = Location(tmp_path / "killed")
        shutil.copy(tmp_path / "older.db", killed.database)

        said = await refused(killed, opened, LogDamaged, "do not belong together", reader=False)

        assert f"`mv {killed.database} " in said
        assert "`echoless restore " in said

    async def test_the_end_is_checked_before_anything_is_added(self, made: Location, opened: Opener) -> None:
        """A hash that does not fit is no place to go on from."""
        with closing(sqlite3.connect(made.database)) as connection:
            connection.executescript("UPDATE streams SET hash = zeroblob(32)")

        await refused(made, opened, LogDamaged, "does not know its newest event", reader=False)

    async def test_the_middle_is_left_to_verification(
        self, made: Location, opened: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However long a log is, a start costs the same."""
        monkeypatch.setattr(opening, "FEWEST", 10)
        with closing(sqlite3.connect(made.database)) as connection:
            connection.executescript(
                "DROP TRIGGER events_refuse_update; UPDATE events SET recorded_at = 1 WHERE position = 30"
            )

        assert await length(made, opened) == 50

    async def test_a_copy_of_a_running_log_is_verified_as_a_whole(
        self, made: Location, opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its pages may have been copied at different moments."""
        async with opened(made) as log:
            await append(log, 50, 60)
            shutil.copytree(made.folder, tmp_path / "copy")
        verified: list[object] = []
        monkeypatch.setattr(opening, "require_whole", lambda raw, vault: verified.append((raw, vault)))

        assert await length(Location(tmp_path / "copy"), opened) == 60
        assert await length(made, opened) == 60
        assert len(verified) == 1
