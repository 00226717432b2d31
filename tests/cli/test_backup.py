"""``echoless backup`` and ``echoless restore``: one file, verified, and over something newer only when told so."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bot.core import events as e
from bot.eventlog import backup
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.sandbox.child_process import tethered
from tests.cli.conftest import FIRST_SECOND, Run
from tests.tampering import tampering

EVENTS = 14
"""Events of the log in ``folder``."""
ERASE = "UPDATE events SET subject_id = NULL, salt = NULL, sealed = NULL WHERE position = 2"


@asynccontextmanager
async def owned(folder: Path) -> AsyncIterator[EventLog]:
    """Own a log for a while."""
    log = await open_log(Location(folder), clock=lambda: (FIRST_SECOND + 100) * 1_000_000, full=False)
    try:
        yield log
    finally:
        await log.close()


def end(folder: Path) -> None:
    """Append an event."""

    async def append() -> None:
        async with owned(folder) as log:
            await log.append("bot", [e.Draft(e.BotStopped(reason="later"))])

    asyncio.run(append())


def meta(path: Path) -> dict[str, bytes]:
    """Return what a log keeps of itself."""
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, value FROM meta").fetchall())


class TestBackup:
    """What it makes."""

    def test_it_is_a_database_like_the_logs_own(self, run: Run, folder: Path, tmp_path: Path) -> None:
        """Every command that reads a log reads it, with the key beside it."""
        ran = run("backup", tmp_path / "log.db", "--log", folder)

        assert (ran.code, ran.err) == (0, "")
        assert re.search(r"log\.db: 14 events as of .*, verified in .* s\.", ran.out)
        copy = tmp_path / "copy"
        copy.mkdir()
        shutil.copy(tmp_path / "log.db", copy / "events.db")
        shutil.copy(folder / "vault.key", copy)
        shown = run("log", "show", "--log", copy)
        assert shown.out == run("log", "show", "--log", folder).out
        assert "all is well" in run("log", "verify", "--log", copy).out
        assert stat.S_IMODE((tmp_path / "log.db").stat().st_mode) == 0o600

    def test_it_says_what_it_is(self, run: Run, folder: Path, tmp_path: Path) -> None:
        """To a machine, and in the file itself."""
        [row] = run("backup", tmp_path / "log.db", "--log", folder, "--json").rows
        found = backup.manifest_of(tmp_path / "log.db")

        assert found is not None
        assert row["anchor"] == found.anchor == run("log", "anchor", "--log", folder).out.strip()
        assert (row["position"], row["schema"], row["incarnation"], row["with_key"]) == (EVENTS, 8, 0, True)
        assert row["bytes"] == (tmp_path / "log.db").stat().st_size
        assert row["log_id"] == meta(folder / "events.db")["log_id"].hex()
        assert row["taken_at"].endswith("+00:00")

    def test_the_key_is_not_in_it(self, run: Run, folder: Path, tmp_path: Path) -> None:
        """It goes to a file of its own, when somebody says so."""
        ran = run("backup", tmp_path / "log.db", "--log", folder, "--with-key", tmp_path / "key")

        key = (tmp_path / "key").read_text()
        assert "Keep it apart from the backup." in ran.out
        assert key == (folder / "vault.key").read_text()
        assert key.strip().encode() not in (tmp_path / "log.db").read_bytes()
        assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600

    def test_a_file_is_not_replaced_unasked(self, run: Run, folder: Path, tmp_path: Path) -> None:
        """Neither a backup nor a key."""
        (tmp_path / "log.db").write_text("notes")
        (tmp_path / "key").write_text("notes")

        refused = run("backup", tmp_path / "log.db", "--log", folder)
        kept = run("backup", tmp_path / "other.db", "--log", folder, "--with-key", tmp_path / "key")
        forced = run("backup", tmp_path / "log.db", "--log", folder, "--force")

        assert (refused.code, kept.code, forced.code) == (4, 4, 0)
        assert "is there already: name another file for the backup, or add --force" in refused.err
        assert (tmp_path / "key").read_text() == "notes"
        assert not (tmp_path / "other.db").exists()

    def test_in_a_folder_the_oldest_go(self, run: Run, folder: Path, tmp_path: Path) -> None:
        """Those of this log alone, and nothing else."""
        backups = tmp_path / "backups"
        backups.mkdir()
        others = [backups / "echoless-00000000-20200101T000000Z.db", backups / "notes.db"]
        log_id = backup.log_id_of(folder / "events.db")[:8]
        old = [backups / f"echoless-{log_id}-2020010{day}T000000Z.db" for day in range(1, 6)]
        unfinished = backups / f"echoless-{log_id}-20200107T000000Z.db.part"
        for path in (*others, *old, unfinished):
            path.touch()

        [row] = run("backup", backups, "--log", folder, "--keep", "3", "--json").rows

        assert [Path(path) for path in row["removed"]] == old[:3]
        assert sorted(backups.iterdir()) == sorted([*others, *old[3:], Path(row["file"])])

    @pytest.mark.parametrize("option", [("--keep", "2"), ("--every", "1h")])
    def test_some_options_need_a_folder(self, run: Run, folder: Path, tmp_path: Path, option: tuple[str, str]) -> None:
        """A file would be replaced again and again."""
        ran = run("backup", tmp_path / "log.db", "--log", folder, *option)

        assert ran.code == 2
        assert "--keep and --every need a folder" in ran.err

    @pytest.mark.parametrize("every", ["often", "0s", "-1h"])
    def test_how_often_is_a_duration(self, run: Run, folder: Path, tmp_path: Path, every: str) -> None:
        """Longer than nothing."""
        assert "duration" in run("backup", tmp_path, "--log", folder, f"--every={every}").err

    def test_every_so_often_until_it_is_stopped(self, folder: Path, tmp_path: Path) -> None:
        """In the foreground, without the bot."""
        backups = tmp_path / "backups"
        backups.mkdir()
        command = tethered(
            *(sys.executable, "-m", "bot", "backup", str(backups), "--log", str(folder)),
            *("--every", "10ms", "--keep", "2", "--json"),
        )
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            files = [json.loads(process.stdout.readline())["file"] for _ in range(2)]
            process.send_signal(signal.SIGINT)
            process.wait()

        assert process.returncode == 130
        assert {Path(files[-1])} <= set(backups.glob("*.db"))

    def test_a_damaged_log_gives_no_backup(self, run: Run, folder: Path, tmp_path: Path) -> None:
        """Else the good ones would be removed for it."""
        with tampering(folder / "events.db") as connection:
            connection.execute("UPDATE events SET recorded_at = 1 WHERE position = 3")

        ran = run("backup", tmp_path / "log.db", "--log", folder)

        assert ran.code == 4
        assert "No backup was made: something is wrong with the log" in ran.err
        assert not list(tmp_path.glob("log.db*"))

    def test_without_the_key_it_is_made_all_the_same(self, run: Run, folder: Path, tmp_path: Path) -> None:
        """And says what was not verified."""
        (folder / "vault.key").unlink()

        ran = run("backup", tmp_path / "log.db", "--log", folder)

        assert ran.code == 0
        assert "verified without the key: not its hashes and words" in ran.out
        assert "So hashes and words are copied and not verified." in ran.err

    def test_what_it_cannot_write_it_says(self, run: Run, folder: Path, tmp_path: Path) -> None:
        """In a sentence."""
        ran = run("backup", tmp_path / "nowhere" / "log.db", "--log", folder)

        assert ran.code == 4
        assert "No such file or directory. Check that its folder exists" in ran.err

    async def test_it_is_taken_while_the_bot_runs(self, folder: Path, tmp_path: Path) -> None:
        """What was appended last is in it, and the log knows nothing of it."""
        async with owned(folder) as log:
            await log.append("bot", [e.Draft(e.BotStopped(reason="now"))])
            ran = await asyncio.to_thread(_echoless, "backup", tmp_path / "log.db", "--log", folder, "--json")
            assert json.loads(ran.stdout)["position"] == EVENTS + 1
        assert backup.manifest_of(folder / "events.db") is None

    def test_a_folder_that_may_not_be_written_is_read(self, folder: Path, tmp_path: Path) -> None:
        """A closed log, and one that was killed: what it had appended last is in its write-ahead log."""
        killed = tmp_path / "killed"

        async def kill() -> None:
            async with owned(folder) as log:
                await log.append("bot", [e.Draft(e.BotStopped(reason="now"))])
                shutil.copytree(folder, killed)

        asyncio.run(kill())
        (killed / "events.db-shm").unlink()
        said = {path.name: _as_nobody(path) for path in (folder, killed)}

        assert said == {"log": [EVENTS + 1] * 2, "killed": [EVENTS + 1] * 2}


def _echoless(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own."""
    command = tethered(sys.executable, "-m", "bot", *map(str, arguments))
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _as_nobody(folder: Path) -> list[int]:
    """Verify and back up a log as a user who may only read it; return how many events each saw.

    A process of root becomes nobody once it has done the same with a copy, since nobody may be unable to import. All of
    it is where nobody may go, however many other tests close the folder of their files.
    """
    script = """
import asyncio, os, sys
from pathlib import Path
from bot.cli.log_verify import check_log
from bot.eventlog import backup, restoring
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader, vault_of

async def verified(location):
    reader = await open_reader(location)
    report = await check_log(reader, None)
    await reader.close()
    assert not report.findings, report.findings
    return report.events

def seen(folder, target):
    location = Location(Path(folder))
    taken = backup.take(location.database, Path(target), vault=vault_of(location), release="", now=1)
    return asyncio.run(verified(location)), taken.position

if os.getuid() == 0:
    seen(sys.argv[2], sys.argv[3] + ".first")
    os.setuid(65534)
print(*seen(sys.argv[1], sys.argv[3]))
"""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        read, copy, targets = place / "log", place / "copy", place / "targets"
        shutil.copytree(folder, copy)
        shutil.copytree(folder, read)
        targets.mkdir()
        targets.chmod(0o777)
        before = {path.name: path.read_bytes() for path in read.iterdir()}
        for path in (*read.iterdir(), read):
            path.chmod(0o555)
        command = (sys.executable, "-c", script, str(read), str(copy), str(targets / "log.db"))
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        read.chmod(0o755)
        assert ran.returncode == 0, ran.stderr
        assert {path.name: path.read_bytes() for path in read.iterdir()} == before
    return [int(number) for number in ran.stdout.split()]


class TestRestore:
    """What takes the log's place, and what has to be said for it."""

    @pytest.fixture
    def taken(self, run: Run, folder: Path, tmp_path: Path) -> Path:
        """Return a backup of the log in ``folder``."""
        assert run("backup", tmp_path / "log.db", "--log", folder).code == 0
        return tmp_path / "log.db"

    def test_where_the_folder_is_gone(self, run: Run, folder: Path, taken: Path, tmp_path: Path) -> None:
        """With the key from where it was kept."""
        shutil.move(folder / "vault.key", tmp_path / "key")
        shutil.rmtree(folder)

        without = run("restore", taken, "--log", folder)
        ran = run("restore", taken, "--log", folder, "--with-key", tmp_path / "key", "--json")

        assert without.code == 4
        assert "The key file" in without.err
        assert ran.rows == [
            {"folder": str(folder), "position": EVENTS, "incarnation": 1, "erased": 0, "replaced": None}
        ]
        assert "all is well" in run("log", "verify", "--log", folder).out
        assert sorted(path.name for path in folder.iterdir() if "-" not in path.name) == [
            "events.db", "owner.lock", "vault.key"
        ]  # fmt: skip
        assert "log.restored       incarnation=1 position=14" in run("log", "show", "--log", folder).out

    def test_over_the_same_or_an_older_log(self, run: Run, folder: Path, taken: Path) -> None:
        """Nothing is lost, so nothing has to be said."""
        ran = run("restore", taken, "--log", folder)

        assert ran.code == 0
        assert "Restored up to position 14: incarnation 1 of the log." in ran.out
        [replaced] = folder.glob("replaced-*")
        assert str(replaced) in ran.out
        assert "log.restored" not in run("log", "show", "--log", replaced, "--no-words").out

    def test_over_a_newer_log_only_with_force(self, run: Run, folder: Path, taken: Path) -> None:
        """What is there is kept."""
        end(folder)
        before = (folder / "events.db").read_bytes()

        refused = run("restore", taken, "--log", folder)
        assert (folder / "events.db").read_bytes() == before
        forced = run("restore", taken, "--log", folder, "--force")

        assert refused.code == 4
        assert "is newer than the backup: it ends at position 15, and the backup at 14" in refused.err
        assert forced.code == 0
        [replaced] = folder.glob("replaced-*")
        assert (replaced / "events.db").read_bytes() == before

    def test_over_another_log_only_with_force(self, run: Run, folder: Path, taken: Path, tmp_path: Path) -> None:
        """Somebody mixed up two bots."""
        other = tmp_path / "other"
        end(other)
        (other / "vault.key").write_bytes((folder / "vault.key").read_bytes())

        assert "is another log than the backup's" in run("restore", taken, "--log", other).err
        assert run("restore", taken, "--log", other, "--force").code == 0
        assert "all is well" in run("log", "verify", "--log", other).out

    def test_over_a_log_that_cannot_be_read_only_with_force(self, run: Run, folder: Path, taken: Path) -> None:
        """Nobody knows what it holds."""
        (folder / "events.db").write_bytes(b"\xab" * 10_000)

        assert "can't be read, so nobody knows" in run("restore", taken, "--log", folder).err
        assert run("restore", taken, "--log", folder, "--force").code == 0

    async def test_never_over_a_running_bot(self, folder: Path, tmp_path: Path) -> None:
        """Not even with force."""
        async with owned(folder):
            taken = tmp_path / "log.db"
            backup.take(folder / "events.db", taken, vault=None, release="", now=1)
            ran = await asyncio.to_thread(_echoless, "restore", taken, "--log", folder, "--force")

        assert ran.returncode == 4
        assert "belongs to process" in ran.stderr
        assert not list(folder.glob("re*"))

    def test_a_damaged_backup_changes_nothing(self, run: Run, folder: Path, taken: Path) -> None:
        """It is verified before."""
        with tampering(taken) as connection:
            connection.execute("UPDATE events SET recorded_at = 1 WHERE position = 3")
        before = (folder / "events.db").read_bytes()

        ran = run("restore", taken, "--log", folder)

        assert ran.code == 4
        assert "Something is wrong with the backup" in ran.err
        assert (folder / "events.db").read_bytes() == before
        assert not list(folder.glob("re*"))

    def test_a_backup_with_another_key_changes_nothing(self, run: Run, folder: Path, taken: Path) -> None:
        """As after a rotation: the old key is beside the log."""
        assert run("key", "rotate", "--log", folder).code == 0

        ran = run("restore", taken, "--log", folder)
        both = run("restore", taken, "--log", folder, "--with-key", folder / "vault.key.old")

        assert "This key is not the one the log was made with" in ran.err
        assert "is not the one of the log" in both.err
        (folder / "vault.key").unlink()
        assert run("restore", taken, "--log", folder, "--with-key", folder / "vault.key.old").code == 0
        assert "all is well" in run("log", "verify", "--log", folder).out

    def test_anchors_from_before_tell_that_it_was_restored(self, run: Run, folder: Path, taken: Path) -> None:
        """Also where a backup was restored twice."""
        end(folder)
        anchor = run("log", "anchor", "--log", folder).out.strip()
        for incarnation in (1, 2):
            assert run("restore", taken, "--log", folder, "--force", "--json").rows[0]["incarnation"] == incarnation
            said = run("log", "verify", "--log", folder, "--anchor", anchor)
            assert f"it was restored from a backup since the anchor (incarnation {incarnation})" in said.out

    def test_words_that_were_erased_since_stay_erased(self, run: Run, folder: Path, taken: Path) -> None:
        """The log that is there still tells."""
        with tampering(folder / "events.db") as connection:
            connection.execute(ERASE)

        ran = run("restore", taken, "--log", folder, "--force")

        assert "The words of 1 event were erased since the backup, and are again." in ran.out
        verified = run("log", "verify", "--log", folder).out
        assert "all is well" in verified
        assert "The words of 2 events are erased." in verified

    def test_receipts_of_erasures_since_are_recorded_again(self, run: Run, folder: Path, taken: Path) -> None:
        """For what the backup holds; what came later is other events there."""

        async def erase() -> None:
            async with owned(folder) as log:
                (asked,) = await log.reader.at((2,))
                head = await log.reader.head(asked.stream)
                (later,) = (await log.append(asked.stream, [e.Draft(e.RepliesPaused(by="me"))])).new
                versions = (e.Span(1, 1), e.Span(later.version, head + 99))
                receipt = e.WordsErased(reason=e.ErasureReason.PERSON, by="7", versions=versions)
                await log.append(asked.stream, [e.Draft(receipt)])
                await log.append(asked.stream, [e.Draft(e.MessageDeleted(message_id=5))])

        asyncio.run(erase())

        ran = run("restore", taken, "--log", folder, "--force")

        assert "The words of 1 event were erased since the backup, and are again." in ran.out
        shown = run("log", "show", "--log", folder, "--json").rows
        assert [row["type"] for row in shown][-3:] == ["log.restored", "words.erased", "message.deleted"]
        receipt = {"reason": "asked by the person", "by": "7", "versions": [{"first": 1, "last": 1}], "archive": ""}
        assert shown[-2]["data"] == receipt
        assert "all is well" in run("log", "verify", "--log", folder).out

    def test_half_a_copy_is_taken_only_with_force(self, run: Run, folder: Path, tmp_path: Path) -> None:
        """Somebody has nothing better; what is missing is left to Discord."""
        copy = tmp_path / "copy.db"

        async def copy_half() -> None:
            async with owned(folder) as log:
                await log.append("bot", [e.Draft(e.BotStopped(reason="now"))])
                shutil.copy(folder / "events.db", copy)

        asyncio.run(copy_half())

        assert "copy.db-wal is missing" in run("restore", copy, "--log", folder).err
        assert run("restore", copy, "--log", folder, "--force").code == 0
        assert "all is well" in run("log", "verify", "--log", folder).out

    def test_the_two_commands_of_a_refusal_mend(self, run: Run, folder: Path, taken: Path, tmp_path: Path) -> None:
        """A backup was copied over a folder that the bot had not closed."""
        killed = tmp_path / "killed"

        async def kill() -> None:
            async with owned(folder) as log:
                for _ in range(20):
                    await log.append("bot", [e.Draft(e.BotStopped(reason="now"))])
                shutil.copytree(folder, killed)

        asyncio.run(kill())
        shutil.copy(taken, killed / "events.db")

        async def start() -> None:
            async with owned(killed):
                pass

        with pytest.raises(Exception, match=r"is a backup, and events\.db-wal beside it is of another log") as refusal:
            asyncio.run(start())
        move, restore = re.findall(r"`([^`]*)`", str(refusal.value))
        subprocess.run(move.split(), check=True)
        ran = run(*restore.split()[1:])

        assert ran.code == 0, ran.err
        asyncio.run(start())
        assert "all is well" in run("log", "verify", "--log", killed).out

    @pytest.mark.parametrize("named", ["missing.db", "folder"])
    def test_what_is_no_file_is_refused(self, run: Run, folder: Path, tmp_path: Path, named: str) -> None:
        """In a sentence."""
        (tmp_path / "folder").mkdir()

        ran = run("restore", tmp_path / named, "--log", folder)

        assert ran.code in (2, 4)
        assert "Traceback" not in ran.err
