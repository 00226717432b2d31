from __future__ import annotations

import asyncio
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.core.events import BotStarted, BotStopped, MessageReceived, Proof, ReplyAbandoned, ReplyRequested, ReplySent
from bot.eventlog.verify import verify
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.harness import Gated, Launch, Spawn, judging
from tests.suite.clock import Clock
from tests.waiting import eventually

POST: dict[str, Any] = {"method": "POST", "path": "/channels/*/messages"}
SNAPSHOTS = "SELECT s.name, s.version - n.version FROM snapshots n JOIN streams s ON s.id = n.stream_id"
LONG = "\n\n".join(f"Paragraph {number}. " + "All is well. " * 40 for number in range(10))
RULES: list[dict[str, object]] = [
    {"match": "ask (?P<what>.+)", "reply": "re: {what}"},
    {"match": "lecture", "reply": LONG},
]


async def said(control: ControlClient, channel: str) -> list[str]:
    """Return what the bot said in a channel, oldest first."""
    return [message["content"] for message in await control.messages(author="sandbox-bot", channel=channel)]


class TestForgetful:
    """A Discord that forgets nonces at once: nothing but the log and the history can prevent a second reply."""

    @pytest.fixture
    def options(self) -> SandboxOptions:
        """Forget at once."""
        return SandboxOptions(message_rate=None, global_rate=None, nonce_window=0)

    async def test_every_question_pending_at_a_kill_is_answered_once_and_in_order(
        self, spawn: Spawn, launch: Launch, control: ControlClient
    ) -> None:
        """SIGKILL with four channels' replies under way, one of them between the parts of a long one.

        Discord has the second part and the process never learns of it.
        """
        rooms = [(await control.create_channel(f"room-{number}"))["id"] for number in range(3)]
        lecture = (await control.create_channel("lecture"))["id"]
        process = await spawn(rules=RULES)
        for room in rooms:
            await control.add_fault("delay", method="POST", path=f"/channels/{room}/messages", seconds=0.1, count=None)
        path = f"/channels/{lecture}/messages"
        await control.add_fault("kill", method="POST", path=path, nth=2, when="after", pid=process.pid)
        asked = [{"content": f"ask {number}", "channel": room} for number in range(8) for room in rooms]
        ids = await control.post_many([*asked, {"content": "lecture", "channel": lecture}])
        assert await process.process.wait() == -signal.SIGKILL
        early = sum([len(await said(control, room)) for room in rooms])
        await control.clear_faults()

        bot = await launch(rules=RULES)
        for room in (*rooms, lecture):
            await bot.judge.settled(room)
        await bot.judge.expect(MessageReceived, len(ids))

        assert early < 24
        for room in rooms:
            assert await said(control, room) == [f"re: {number}" for number in range(8)]
        assert "\n\n".join(await said(control, lecture)).split() == LONG.split()
        proofs = {event.part: event.proof for event in await bot.judge.of(ReplySent, lecture)}
        assert proofs[1] is Proof.HISTORY
        assert await bot.judge.of(ReplyAbandoned) == []
        checked = [progress async for progress in verify(bot.judge.reader)]
        assert [finding for progress in checked for finding in progress.findings] == []


async def test_a_stop_lets_the_send_under_way_end_and_begins_no_other(
    launch: Launch, control: ControlClient, sandbox: Sandbox, clock: Clock
) -> None:
    """The rest waits in the log for the next start."""
    bot = await launch()
    await control.add_fault("delay", **POST, when="after", seconds=3)
    await control.post_many([{"content": f"ask {number}"} for number in range(4)])
    await eventually(lambda: control.requests(**POST))
    stopping = asyncio.create_task(bot.stop())
    await eventually(lambda: bot.bot.replies._stopping)
    clock.go_on(3)
    await stopping
    before = await said(control, "general")

    bot = await launch()
    await bot.judge.settled(sandbox.services.general.id)

    assert before == ["re: 0"]
    assert await said(control, "general") == [f"re: {number}" for number in range(4)]
    assert len(await bot.judge.of(ReplySent)) == 4


@pytest.mark.slow
async def test_sigterm_ends_it_whatever_hangs(
    spawn: Spawn, launch: Launch, control: ControlClient, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A send without an answer and a gateway that is silent; a snapshot of every channel is kept all the same."""
    channel = sandbox.services.general.id
    process = await spawn()
    await control.post("ask one")
    await control.wait_for_messages(author="sandbox-bot")
    await control.add_fault("hang", **POST, count=None)
    await control.post("ask two")
    await eventually(lambda: control.requests(**POST, status="None"))
    await control.gateway("mute")

    code = await process.terminate()
    await control.clear_faults()

    with closing(sqlite3.connect(tmp_path / "log" / "events.db")) as connection:
        snapshots = connection.execute(SNAPSHOTS).fetchall()

    assert code == 0
    assert snapshots == [(f"channel:{channel}", 0)]
    async with judging(tmp_path / "log") as judge:
        assert [event.reason for event in await judge.of(BotStopped)] == ["asked to"]
        assert [event.pid for event in await judge.of(BotStarted)] == [process.pid]
    bot = await launch()
    await bot.judge.settled(channel)
    assert await said(control, "general") == ["re: one", "re: two"]


async def test_a_question_whose_words_wait_at_the_responder_is_asked_again_after_a_restart(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """Nothing was written yet, so it is written anew; one look tells that nobody answered."""
    responder = Gated()
    bot = await launch(responder=responder)
    await control.post("ask it")
    await bot.judge.expect(ReplyRequested)
    await eventually(lambda: responder.asked)
    await bot.stop()

    bot = await launch()
    await bot.judge.settled(sandbox.services.general.id)

    assert await said(control, "general") == ["re: it"]
