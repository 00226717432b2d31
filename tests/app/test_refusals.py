"""What ``echoless run`` says when it will not run: one sentence, an exit code, and nothing touched."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from bot.app.running import run_bot
from bot.core.events import BotStarted
from bot.core.streams import BOT_STREAM
from bot.eventlog import forms
from bot.eventlog.location import Location
from bot.sandbox.child_process import tethered
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import ROOT, Launch, judging, settings, write_settings
from tests.suite.engine import environ_for
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


async def run(config: Path, token: str | None) -> Ended:
    """Run ``echoless run`` to its end."""
    environment = {**environ_for(config.with_suffix("")), **({} if token is None else {"DISCORD_TOKEN": token})}
    process = await asyncio.create_subprocess_exec(
        *tethered(sys.executable, "-m", "bot", "run", "--config", str(config)),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        cwd=ROOT, env=environment,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


def fingerprints(folder: Path) -> Mapping[str, str]:
    """Return the digest of every file in a folder."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.is_file()}


def refused(ended: Ended, code: int, *saying: str) -> None:
    """Check that it ended with a code and one sentence that holds these words."""
    assert ended.code == code, ended.err
    assert ended.out == ""
    assert ended.err.startswith("Error: ")
    assert ended.err.count("\n") == 1
    assert all(words in ended.err for words in saying), ended.err


@pytest.fixture
async def folder(launch: Launch, control: ControlClient, tmp_path: Path) -> Path:
    """Return the folder of a log with a short history, as a good run left it."""
    bot = await launch("kept")
    await control.post("ask something")
    await bot.judge.settled((await control.world())["channels"][0]["id"])
    # What registers the commands writes its file in the background.
    await eventually((tmp_path / "kept" / "commands.json").exists)
    await bot.stop()
    return tmp_path / "kept"


async def test_without_a_token(sandbox: Sandbox, folder: Path) -> None:
    """It says where to get one and where to put it."""
    before = fingerprints(folder)

    ended = await run(write_settings(sandbox, folder, {}), None)

    refused(ended, 3, "There is no bot token", "DISCORD_TOKEN")
    assert fingerprints(folder) == before


async def test_with_a_wrong_token(sandbox: Sandbox, folder: Path) -> None:
    """Discord refuses it; the token itself is not repeated."""
    before = fingerprints(folder)

    ended = await run(write_settings(sandbox, folder, {}), "mistyped.token")

    refused(ended, 3, "Discord refuses the token")
    assert "mistyped" not in ended.err
    assert fingerprints(folder) == before


async def test_with_an_unknown_setting(sandbox: Sandbox, folder: Path) -> None:
    """It names the setting, the file and the line."""
    before = fingerprints(folder)

    ended = await run(write_settings(sandbox, folder, {"replies": {"max_aeg": "5m"}}), "any")

    refused(ended, 2, "max_aeg", "kept.toml, line")
    assert fingerprints(folder) == before


async def test_with_a_rule_that_does_not_compile(sandbox: Sandbox, folder: Path) -> None:
    """It names the rule, its line and the character."""
    before = fingerprints(folder)

    ended = await run(write_settings(sandbox, folder, {"rules": [{"match": "ask (", "reply": "no"}]}), "any")

    refused(ended, 2, "Rule 1 (line", "does not compile")
    assert fingerprints(folder) == before


async def test_with_a_truncated_database(sandbox: Sandbox, folder: Path) -> None:
    """It keeps the file as it is: a backup, or somebody who knows, may still help."""
    database = folder / "events.db"
    database.write_bytes(database.read_bytes()[: database.stat().st_size // 2])
    before = fingerprints(folder)

    ended = await run(write_settings(sandbox, folder, {}), sandbox.services.application.token)

    refused(ended, 4, "is cut short", "backup")
    assert fingerprints(folder) == before


async def test_with_a_key_that_is_gone(sandbox: Sandbox, folder: Path) -> None:
    """Without it the words can't be read, and another one would not open them."""
    (folder / "vault.key").unlink()
    before = fingerprints(folder)

    ended = await run(write_settings(sandbox, folder, {}), sandbox.services.application.token)

    refused(ended, 4, "key file", "is missing")
    assert {name: digest for name, digest in fingerprints(folder).items() if not name.startswith("owner")} == {
        name: digest for name, digest in before.items() if not name.startswith("owner")
    }


async def test_on_a_folder_that_somebody_owns(
    sandbox: Sandbox, launch: Launch, control: ControlClient, tmp_path: Path
) -> None:
    """It names the owner, which goes on undisturbed."""
    bot = await launch()
    await control.post("ask one")
    await control.wait_for_messages(1, author="sandbox-bot")

    async def nothing_left() -> bool:
        return await bot.bot.conversations.unfinished() == []

    await eventually(nothing_left)
    before = fingerprints(tmp_path / "log")

    ended = await run(write_settings(sandbox, tmp_path / "log", {}), sandbox.services.application.token)

    refused(ended, 4, f"process {os.getpid()}", "another folder")
    assert fingerprints(tmp_path / "log") == before
    await control.post("ask two")
    await control.wait_for_messages(2, author="sandbox-bot")


async def test_a_log_of_a_newer_release(sandbox: Sandbox, folder: Path) -> None:
    """It is named, nothing is touched, and who says so goes on all the same: what is not known stays noted."""
    with closing(sqlite3.connect(folder / "events.db")) as connection, connection:
        connection.execute(
            "UPDATE meta SET value = CAST(json_set(CAST(value AS TEXT), "
            "'$.\"reply.dreamt\"', json('[1, \"7.0\"]')) AS BLOB) "
            "WHERE name = 'forms'"
        )
    before = fingerprints(folder)
    config = write_settings(sandbox, folder, {})

    ended = await run(config, sandbox.services.application.token)

    refused(ended, 4, "Release 7.0 wrote to this log", "reply.dreamt v1", "--accept-unknown")
    assert before == fingerprints(folder)
    stopping, token = asyncio.Event(), sandbox.services.application.token
    going = asyncio.create_task(
        run_bot(settings(sandbox, folder, {}), token, Location(folder), stopping, accept_unknown=True)
    )
    async with judging(folder) as judge:
        await judge.expect(BotStarted, 1, BOT_STREAM)
        stopping.set()
        await going
        assert "reply.dreamt" in await judge.reader.connection.run(forms.unknown)
