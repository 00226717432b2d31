"""A log that is new, restored, or copied by the running bot: nothing is answered twice, and trouble shows."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app.clock import clock
from bot.app.running import run_bot
from bot.config import Config
from bot.config.model import BackupSettings
from bot.core.beginning import FROM_BEFORE
from bot.core.events import ForeignReplySeen, LogRestored, MessageReceived, ReplyAbandoned, ReplySent, Role
from bot.eventlog import backup, restoring
from bot.eventlog.key_file import read_key
from bot.eventlog.location import Location
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.harness import Launch, settings
from tests.torture import restore
from tests.waiting import eventually

BOT = "sandbox-bot"


@pytest.fixture
def options() -> SandboxOptions:
    """Forget nonces at once: nothing but the log and the history can prevent a second reply."""
    return SandboxOptions(message_rate=None, global_rate=None, nonce_window=0)


async def said(control: ControlClient) -> list[str]:
    """Return all that the bot has ever said."""
    return [each["content"] for each in await control.messages(author=BOT)]


class TestVanished:
    """The folder is gone, and Discord shows that the bot was there."""

    @pytest.mark.sqlite_only("whoever loses a view has its log still")
    async def test_what_it_answered_is_taken_up(
        self, launch: Launch, control: ControlClient, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        """Answers count as sent, and as what the bot said; one that a moderator deleted, or a plain one, is no reason.

        A person can have a question answered that was left.
        """
        channel = sandbox.services.general.id
        bot = await launch()
        for number in range(3):
            await control.post(f"ask {number}")
        await bot.judge.expect(ReplySent, 3)
        unloved = await control.post("ask unloved")
        await bot.judge.expect(ReplySent, 4)
        await control.delete((await control.messages(author=BOT))[-1]["id"])
        await control.set_permissions("general", deny=["READ_MESSAGE_HISTORY"])
        await control.post("ask plainly")
        await bot.judge.expect(ReplySent, 5)
        await control.set_permissions("general", allow=["READ_MESSAGE_HISTORY"])
        await bot.judge.settled(channel)
        before = await said(control)
        await bot.stop()
        shutil.rmtree(tmp_path / "log")

        bot = await launch()
        state = await bot.judge.settled(channel)
        left = [event for event in await bot.judge.of(ReplyAbandoned) if event.detail == FROM_BEFORE]
        pending = await bot.moderation.pending()
        await control.post("ask anew")
        await bot.judge.expect(ReplySent)

        assert [*before, "re: anew"] == await said(control)
        assert [turn.role for turn in state.window].count(Role.BOT) == 4
        assert len(await bot.judge.of(ForeignReplySeen)) == 3
        assert len(left) == 2
        assert unloved["id"] in {each["message_id"] for each in pending.data["abandoned"]}
        assert FROM_BEFORE[:20] in "\n".join(pending.lines)
        words = [body.text for body in await bot.judge.words(channel, MessageReceived)]
        assert {"re: 0", "re: 1", "re: 2", "re: plainly"} <= set(words)

        await bot.moderation.retry(channel, int(unloved["id"]), by="ada")
        await bot.judge.expect(ReplySent, 2)
        assert (await said(control))[-1] == "re: unloved"

    async def test_a_bot_that_was_never_there_answers_what_was_asked_just_before(
        self, launch: Launch, control: ControlClient, sandbox: Sandbox
    ) -> None:
        """Somebody asked while it was being set up."""
        for number in range(3):
            await control.post(f"ask {number}")

        bot = await launch()
        await bot.judge.settled(sandbox.services.general.id)

        assert await said(control) == ["re: 0", "re: 1", "re: 2"]


@pytest.mark.sqlite_only("a backup is restored as a log in its folder")
class TestRestored:
    """Old backups; ``make torture WHAT=restore`` plays all of them."""

    @pytest.mark.parametrize(
        "variant",
        [variant for variant in restore.VARIANTS if variant.older and variant.forgotten and not variant.vanished]
        + [variant for variant in restore.VARIANTS if not variant.older and variant.vanished][:2],
        ids=str,
    )
    async def test_nothing_is_answered_twice(self, variant: restore.Variant, tmp_path: Path) -> None:
        """Nor lost, nor posted again, nor written anew."""
        judged = await restore.tried(variant, tmp_path)

        assert (judged.doubled, judged.lost, judged.reposted, judged.rewritten) == ((), (), (), ())
        assert judged.left == 1

    async def test_the_log_says_that_it_was_restored(
        self, launch: Launch, control: ControlClient, tmp_path: Path
    ) -> None:
        """Up to where, and how often."""
        location = Location(tmp_path / "log")
        bot = await launch()
        await control.post("ask me")
        await bot.judge.expect(ReplySent)
        await bot.stop()
        backup.take(location.database, tmp_path / "b.db", vault=None, release="", now=1)
        key = read_key(location.key_path)
        for _ in range(2):
            await restoring.restore(tmp_path / "b.db", location, key, clock=clock, force=True)

        bot = await launch()

        [restored] = [each for each in await bot.judge.all() if isinstance(each.event, LogRestored)]
        assert restored.event == LogRestored(incarnation=2, position=restored.position - 1)
        assert bot.bot.log.began == (restored.recorded_at, True)


class TestRunning:
    """Backups that the bot takes itself."""

    async def test_it_takes_one_whenever_it_is_due(self, sandbox: Sandbox, tmp_path: Path) -> None:
        """And old ones go."""
        folder, backups, stopping = tmp_path / "log", tmp_path / "backups", asyncio.Event()
        sections = {"backup": {"every": "50ms", "keep": 1, "folder": str(backups)}}
        config = settings(sandbox, folder, sections)
        running = asyncio.create_task(run_bot(config, sandbox.services.application.token, Location(folder), stopping))
        seen: set[str] = set()

        def several() -> bool:
            seen.update(path.name for path in backups.glob("*.db"))
            return len(seen) > 2

        await eventually(several)
        stopping.set()
        await running

        left = list(backups.glob("*.db"))
        # It may be stopped when it has taken one and the old one is still there.
        assert len(left) in {1, 2}
        assert all(backup.manifest_of(each) for each in left)

    async def test_a_failure_is_told_and_tried_again(self, launch: Launch, tmp_path: Path) -> None:
        """In /healthz as well, where it is no reason for a restart."""
        bot = await launch()
        blocked = tmp_path / "blocked"
        blocked.write_text("a file")
        backups = bot.bot.backups
        backups._settings = BackupSettings(every=timedelta(milliseconds=20), keep=1, folder=blocked)

        async with backups.of(Location(tmp_path / "log")):
            await eventually(lambda: backups.trouble)
            health = bot.bot.health()
            blocked.unlink()
            await eventually(lambda: not backups.trouble)

        assert "File exists" in health.backup
        assert health.reasons == ()
        assert backups.taken_at

    async def test_without_the_setting_there_are_none(self, launch: Launch, tmp_path: Path) -> None:
        """Nobody's disk is filled unasked."""
        await launch()

        assert Config().backup.every is None
        assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]
