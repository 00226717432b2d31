"""An archive that is made beside the running bot: the bot erases."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from bot.core import events as e
from bot.core.streams import stream_of
from bot.sandbox.child_process import tethered
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Launch


async def test_the_bot_erases_what_is_archived(
    launch: Launch, control: ControlClient, sandbox: Sandbox, tmp_path: Path
) -> None:
    """And goes on in the channel as before."""
    bot = await launch()
    channel = sandbox.services.general.id
    await control.post("ask me")
    await bot.judge.expect(e.ReplySent)
    await bot.judge.settled(channel)

    command = tethered(
        *(sys.executable, "-m", "bot", "archive", str(channel), str(tmp_path / "general"), "--erase", "--json"),
        *("--log", str(tmp_path / "log")),
    )
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    await control.post("ask more")
    await bot.judge.expect(e.ReplySent, 2)

    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    [receipt] = await bot.judge.of(e.WordsErased)
    events = await bot.judge.all(stream_of(channel))
    assert said["erased"] == 2
    assert (receipt.reason, receipt.archive, receipt.by) == (e.ErasureReason.ARCHIVED, said["sha256"], "command line")
    assert len(await bot.judge.reader.bodies(each.position for each in events)) == 2
    assert [each.version for each in events] == list(range(1, len(events) + 1))
