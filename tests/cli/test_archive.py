"""``echoless archive``: a channel in one sealed file, which is read without the log."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.sandbox.child_process import tethered
from tests.cli.conftest import ALICE, GENERAL, HELP, Run
from tests.tampering import tampering
from tests.torture import logs
from tests.torture.archives import archived

WORDS = "Two spoons a cup."


@pytest.fixture
def made(run: Run, folder: Path, tmp_path: Path) -> Path:
    """Return an archive of a channel of the log in ``folder``."""
    ran = run("archive", GENERAL, tmp_path / "general", "--log", folder)
    assert ran.code == 0, ran.err
    return tmp_path / "general"


class TestWriting:
    """What is made, and what is refused."""

    def test_it_says_what_it_is(self, run: Run, folder: Path, tmp_path: Path) -> None:
        """The digest is that of the file, as ``sha256sum`` prints it."""
        [row] = run("archive", GENERAL, tmp_path / "general", "--log", folder, "--json").rows
        ran = run("archive", HELP, tmp_path / "help", "--log", folder)

        path = tmp_path / "general"
        assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (row["stream"], row["version"], row["words"]) == (f"channel:{GENERAL}", 8, 5)
        assert row["anchor"] == run("log", "anchor", "--log", folder).out.strip()
        assert "5 events of channel:222" in ran.out
        assert "verified and sealed. SHA-256: " in ran.out
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "all is well" in run("log", "verify", "--log", folder).out

    @pytest.mark.parametrize("kind", ["file", "link"])
    def test_no_file_is_replaced(self, run: Run, folder: Path, tmp_path: Path, kind: str) -> None:
        """Nor written through a link."""
        target, notes = tmp_path / "general", tmp_path / "notes"
        notes.write_text("notes")
        target.symlink_to(tmp_path / "nowhere") if kind == "link" else target.write_text("notes")
        (tmp_path / "general.part").symlink_to(notes)

        ran = run("archive", GENERAL, target, "--log", folder)
        target.unlink()
        again = run("archive", GENERAL, target, "--log", folder)

        assert (ran.code, again.code) == (4, 0), again.err
        assert "is there already, and no archive takes the place of a file" in ran.err
        assert notes.read_text() == "notes"
        assert not (tmp_path / "nowhere").exists()
        assert not (tmp_path / "general.part").is_symlink()

    def test_only_a_channel_that_is_there_and_done(self, run: Run, folder: Path, tmp_path: Path) -> None:
        """And in which nothing is wrong."""
        asked = e.MessageReceived(message_id=1, author_id=7, sent_at=1)

        async def ask() -> None:
            log = await open_log(Location(folder), clock=logs.clock(), full=False)
            requested = e.ReplyRequested(message_id=1, author_id=7, responder="rules", call=e.Call.RULE)
            await log.append(f"channel:{HELP}", [e.Draft(asked, e.Body(parts=("!tea",)), 7), e.Draft(requested)])
            await log.close()

        asyncio.run(ask())
        with tampering(folder / "events.db") as connection:
            connection.execute("UPDATE events SET recorded_at = 1 WHERE position = 3")

        said = [run("archive", channel, tmp_path / "file", "--log", folder) for channel in (333, HELP, GENERAL)]

        assert [ran.code for ran in said] == [4, 4, 4]
        assert "There is no stream channel:333" in said[0].err
        assert "channel:222 has replies to finish: see `echoless replay pending`" in said[1].err
        assert "No archive was made: something is wrong with the channel" in said[2].err
        assert not list(tmp_path.glob("file*"))

    async def test_it_is_made_while_the_bot_runs(self, folder: Path, tmp_path: Path) -> None:
        """Of what was appended last, too; a process that is interrupted leaves nothing."""
        log = await open_log(Location(folder), clock=logs.clock(), full=False)
        try:
            await logs.append_more(log, 4)
            whole = await asyncio.to_thread(archived, Location(folder), tmp_path / "whole")
            interrupted = await asyncio.to_thread(_interrupted, folder, tmp_path / "interrupted")
        finally:
            await log.close()

        assert (whole.manifest.version, interrupted.returncode) == (2, 130)
        assert [path.name for path in tmp_path.iterdir() if path.name[:5] in ("whole", "inter")] == ["whole"]


def _interrupted(folder: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Archive a channel in a process of its own, which is interrupted where it verifies the file."""
    script = (
        "import os\n"
        "from bot.cli.main import main\n"
        "from bot.eventlog import verify\n"
        f"verify.pages = lambda *_: [os.kill(os.getpid(), {int(signal.SIGINT)})]\n"
        "main()"
    )
    command = tethered(sys.executable, "-c", script, "archive", "1", str(target), "--log", str(folder))
    return subprocess.run(command, capture_output=True, text=True, check=False)


class TestReading:
    """With the key, and without the log."""

    @pytest.fixture
    def elsewhere(self, folder: Path, tmp_path: Path) -> Path:
        """Return a folder with the log's key alone."""
        (tmp_path / "elsewhere").mkdir()
        shutil.copy(folder / "vault.key", tmp_path / "elsewhere")
        return tmp_path / "elsewhere"

    def test_it_is_shown_and_exported_as_the_log_is(self, run: Run, folder: Path, made: Path, elsewhere: Path) -> None:
        """Event by event, word by word."""
        shown = run("log", "show", "--archive", made, "--log", elsewhere)
        exported = run("log", "export", "--words", "--archive", made, "--log", elsewhere)

        assert WORDS in shown.out
        assert shown.out == run("log", "show", "--channel", GENERAL, "--log", folder).out
        assert exported.rows == run("log", "export", "--words", "--channel", GENERAL, "--log", folder).rows

    def test_it_verifies(self, run: Run, made: Path, elsewhere: Path) -> None:
        """Without the events between its own."""
        said = run("log", "verify", "--archive", made, "--log", elsewhere)

        assert said.code == 0
        assert "Checked 8 events in 1 stream" in said.out
        assert "all is well" in said.out

    def test_nothing_beside_it_counts(self, run: Run, made: Path, elsewhere: Path) -> None:
        """A journal or a write-ahead log would change what is read."""
        for suffix in ("-wal", "-journal"):
            made.with_name(made.name + suffix).write_bytes(b"\xd9\xd5\x05\xf9 \xa1c\xd7" * 600)

        assert "all is well" in run("log", "verify", "--archive", made, "--log", elsewhere).out

    @pytest.mark.parametrize("command", ["show", "verify", "export"])
    def test_what_was_changed_is_refused(self, run: Run, made: Path, elsewhere: Path, command: str) -> None:
        """Also a byte that holds nothing."""
        content = bytearray(made.read_bytes())
        content[-60] ^= 1
        made.write_bytes(content)

        ran = run("log", command, "--archive", made, "--log", elsewhere)

        assert (ran.code, ran.out) == (4, "")
        assert "was changed or cut: nothing in it is believed" in ran.err

    def test_what_is_no_archive_is_refused(self, run: Run, folder: Path, made: Path, tmp_path: Path) -> None:
        """And an archive is no log."""
        assert run("backup", tmp_path / "backup", "--log", folder).code == 0
        (tmp_path / "notes").write_text("notes")
        for name in ("backup", "notes", "missing"):
            ran = run("log", "show", "--archive", tmp_path / name, "--log", folder)
            assert (ran.code, ran.out) == (4, "")
            assert "no archive" in ran.err or "no file" in ran.err
        shutil.copy(made, folder / "events.db")
        assert "is an archive of a channel, and no log" in run("log", "show", "--log", folder).err
        assert "is an archive of a channel, and no log" in run("restore", made, "--log", folder, "--force").err

    def test_with_another_key_it_is_refused(self, run: Run, folder: Path, made: Path, tmp_path: Path) -> None:
        """The key of another log; the one of before the last rotation is looked for."""
        other = tmp_path / "other"

        async def begin() -> None:
            await (await open_log(Location(other), clock=logs.clock(), full=False)).close()

        asyncio.run(begin())
        refused = run("log", "show", "--archive", made, "--log", other)
        assert run("key", "rotate", "--log", folder).code == 0
        rotated = run("log", "verify", "--archive", made, "--log", folder)
        assert run("key", "rotate", "--log", folder).code == 0
        twice = run("log", "verify", "--archive", made, "--log", folder)

        assert (refused.code, rotated.code, twice.code) == (4, 0, 4)
        for ran in (refused, twice):
            assert "give the key that the log had when the archive was made" in ran.err

    def test_without_a_key_nothing_vouches_for_it(self, run: Run, made: Path, tmp_path: Path) -> None:
        """Which is said; its words stay closed."""
        nowhere = tmp_path / "nowhere"

        refused = run("log", "show", "--archive", made, "--log", nowhere)
        shown = run("log", "show", "--no-words", "--archive", made, "--log", nowhere)

        assert (refused.code, shown.code) == (4, 0)
        assert "The key file" in refused.err
        assert "the archive's seal was not checked" in shown.err
        assert WORDS not in shown.out
        assert e.ReplySent.TYPE in shown.out

    def test_an_anchor_stands_for_a_whole_log(self, run: Run, folder: Path, made: Path) -> None:
        """And an archive is a part."""
        anchor = run("log", "anchor", "--log", folder).out.strip()

        assert run("log", "verify", "--archive", made, "--anchor", anchor).code == 2


class TestErasing:
    """With ``--erase``."""

    def test_the_words_are_in_the_archive_alone(self, run: Run, folder: Path, tmp_path: Path) -> None:
        """The log keeps the events, and a receipt that names the file; the same command again finds nothing to do."""
        command = ("archive", GENERAL, tmp_path / "general", "--log", folder, "--erase", "--json")
        [first], [again] = run(*command).rows, run(*command).rows

        digest = hashlib.sha256((tmp_path / "general").read_bytes()).hexdigest()
        shown = run("log", "show", "--log", folder, "--type", e.WordsErased.TYPE, "--json").rows
        left = run("log", "show", "--log", folder).out
        assert (first["erased"], again["erased"]) == (5, 0)
        assert first["sha256"] == again["sha256"] == digest
        assert [(row["stream"], row["data"]["reason"], row["data"]["archive"]) for row in shown] == [
            (f"channel:{GENERAL}", "archived", digest)
        ]
        assert WORDS not in left
        assert "!tea" not in left  # deleted in Discord
        assert WORDS in run("log", "show", "--archive", tmp_path / "general", "--log", folder).out
        assert "all is well" in run("log", "verify", "--log", folder).out
        assert "all is well" in run("log", "verify", "--archive", tmp_path / "general", "--log", folder).out

    def test_nothing_goes_that_the_archive_does_not_hold(self, run: Run, folder: Path, made: Path) -> None:
        """What was said since stays; the next archive has all events, and the words that are left."""

        async def say() -> None:
            log = await open_log(Location(folder), clock=logs.clock(), full=False)
            said = e.MessageReceived(message_id=1, author_id=7, sent_at=1)
            await log.append(f"channel:{GENERAL}", [e.Draft(said, e.Body(parts=("later words",)), 7)])
            await log.close()

        asyncio.run(say())
        erased = run("archive", GENERAL, made, "--log", folder, "--erase")
        [second] = run("archive", GENERAL, made.with_name("second"), "--log", folder, "--json").rows

        assert "The words of 5 events are erased in the log" in erased.out
        assert "later words" in run("log", "show", "--log", folder).out
        assert (second["version"], second["words"]) == (10, 1)
        assert "all is well" in run("log", "verify", "--archive", made.with_name("second"), "--log", folder).out

    def test_whoever_erases_later_is_told_of_it(self, run: Run, folder: Path, made: Path) -> None:
        """The archive can't forget anybody: its file has to go."""
        assert run("archive", GENERAL, made, "--log", folder, "--erase").code == 0

        [said] = run("erase", "--person", ALICE, "--log", folder, "--yes", "--json").rows

        assert said["archives"] == [hashlib.sha256(made.read_bytes()).hexdigest()]

    @pytest.mark.parametrize("there", ["of another channel", "of another log", "changed", "a text"])
    def test_for_no_other_file(self, run: Run, folder: Path, made: Path, tmp_path: Path, there: str) -> None:
        """Nothing is erased."""
        channel, log = GENERAL, folder
        match there:
            case "of another channel":
                channel = HELP
            case "changed":
                made.write_bytes(made.read_bytes()[:-1] + b"?")
            case "a text":
                made.write_text("notes")
            case _:
                log = tmp_path / "other"
                shutil.copytree(folder, log)
                made.unlink()
                assert run("key", "renew", "--log", log).code == run("log", "rekey", "--log", log).code == 0
                assert run("archive", GENERAL, made, "--log", log).code == 0
                log = folder

        ran = run("archive", channel, made, "--log", log, "--erase")

        assert ran.code == 4
        assert e.WordsErased.TYPE not in run("log", "show", "--log", folder, "--no-words").out
