from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from bot.core.events import PostRequested, ReplySent
from bot.sandbox.child_process import tethered
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.attached.conftest import Connect
from tests.attached.test_posts import first, said
from tests.harness import ROOT
from tests.waiting import PATIENCE

REPLY, POST = 0, 1
STEPS = [
    ("request before", REPLY),
    ("request after", POST),
    ("sending", POST),
    ("posted", REPLY),
    ("posted", POST),
    ("sent before", REPLY),
    ("sent after", POST),
]


async def killed(sandbox: Sandbox, control: ControlClient, folder: Path, step: str, number: int) -> dict[str, str]:
    """Have a client of a process of its own die at a step, and return the message that it was told."""
    addresses, token = sandbox.services.addresses, sandbox.services.application.token
    doomed = await asyncio.create_subprocess_exec(
        *tethered(sys.executable, "-m", "tests.attached.doomed_client", addresses.api, addresses.gateway, token),
        *(str(folder), step, str(number), "1"),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
    )
    await control.wait_for_ready(within=PATIENCE)
    asked = await control.post("go")
    async with asyncio.timeout(PATIENCE):
        assert await doomed.wait() == -9
    return {"channel_id": asked["channel_id"], "id": asked["id"]}


@pytest.mark.long
@pytest.mark.parametrize(("step", "number"), STEPS)
async def test_a_kill_at_any_step_neither_doubles_nor_loses_a_post(
    connect: Connect, sandbox: Sandbox, control: ControlClient, tmp_path: Path, step: str, number: int
) -> None:
    """What was recorded goes out by itself; asked for again with the same keys, the same messages are told."""
    asked = await killed(sandbox, control, tmp_path / "log", step, number)
    running = await connect()
    message = await first(running, asked["channel_id"], asked["id"])
    (replied,) = await running.log.reply(message, "replied", key=f"reply {asked['id']}")
    (posted,) = await running.log.send(message.channel, "posted", key=f"post {asked['id']}")

    found = sorted(await said(control, asked["channel_id"]))
    assert found == [("posted", None), ("replied", asked["id"])]
    sent = await running.judge.of(ReplySent)
    assert sorted(event.sent_id for event in sent) == sorted((replied, posted))
    assert len(await running.judge.of(PostRequested)) == 2
    assert not (await running.log.state(int(asked["channel_id"]))).outbox
