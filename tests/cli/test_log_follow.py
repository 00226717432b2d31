"""``echoless log follow``: another process sees events as they come, goes on where it was, notices a restored log."""

from __future__ import annotations

import json
import os
import sys
from asyncio import subprocess
from pathlib import Path

from bot.eventlog import backup, restoring
from bot.eventlog.key_file import read_key
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.sandbox.child_process import tethered
from tests.consumers.following import filled

ROOT = Path(__file__).parents[2]


def now() -> int:
    """Return a moment."""
    return 1_700_000_000_000_000


async def begun(folder: Path, *options: str) -> subprocess.Process:
    """Start the command."""
    command = (sys.executable, "-m", "bot", "log", "follow", "--json", "--log", str(folder), *options)
    return await subprocess.create_subprocess_exec(
        *tethered(*command), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
    )


async def seen(follower: subprocess.Process) -> tuple[int, int]:
    """Return position and incarnation of its next line."""
    assert follower.stdout is not None
    line = json.loads(await follower.stdout.readline())
    assert "erased" not in line
    return line["position"], line["incarnation"]


async def test_events_are_followed_from_outside(tmp_path: Path) -> None:
    """Beside the owner, in order; a backup that takes the log's place ends it, with what to do."""
    location = Location(tmp_path / "log")
    log = await open_log(location, clock=now, full=False)
    await filled(log, 2)
    backup.take(location.database, tmp_path / "backup.db", vault=None, release="0", now=1)
    follower = await begun(location.folder, "--words", "--from", "1")

    first = await seen(follower)
    await filled(log, 1)
    second = await seen(follower)
    await log.close()
    key = read_key(location.key_path)
    await restoring.restore(tmp_path / "backup.db", location, key, clock=now, force=True)
    _, said = await follower.communicate()

    assert [(2, 0), (3, 0)] == [first, second]
    assert follower.returncode == 4
    assert b"--from 2 --incarnation 1" in said
