"""The moderators' commands on a running bot, by way of its socket, as the command line asks."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from bot.core.events import CatchupCompleted, MessageSkipped, ReplyRequested, ReplySent
from bot.moderation.control_socket import SOCKET
from bot.sandbox.child_process import tethered
from bot.sandbox.control_client import ControlClient
from tests.harness import ROOT, Gated, Launch
from tests.waiting import eventually


async def echoless(folder: Path, *arguments: object) -> dict[str, Any]:
    """Run ``echoless replay`` beside the bot and return what it wrote as JSON."""
    process = await asyncio.create_subprocess_exec(
        *tethered(sys.executable, "-m", "bot", "replay", "--log", str(folder), "--json", *map(str, arguments)),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    answer: dict[str, Any] = json.loads(out)
    return answer


async def test_the_owner_of_the_log_carries_commands_out(
    launch: Launch, control: ControlClient, tmp_path: Path
) -> None:
    """No second process writes; the bot itself stops answering and goes on."""
    bot = await launch()
    channel = (await control.create_channel("quiet"))["id"]
    folder = tmp_path / "log"

    await echoless(folder, "--channel", channel, "pause")
    await control.post("ask one", channel=channel)
    await bot.judge.expect(MessageSkipped, stream=channel)
    await echoless(folder, "--channel", channel, "resume")
    await control.post("ask two", channel=channel)
    await bot.judge.expect(ReplySent, stream=channel)
    status = await echoless(folder, "status")

    assert [entry["content"] for entry in await control.messages(author="sandbox-bot", channel=channel)] == ["re: two"]
    assert status["bot"]["connected"] is True
    assert status["gateway"]["type"] == "gateway.ready"
    await bot.stop()
    assert not (folder / SOCKET).exists()


async def test_an_answer_names_the_settings_it_came_from(
    launch: Launch, control: ControlClient, tmp_path: Path
) -> None:
    """Until they change, they are the present ones."""
    bot = await launch()
    channel = (await control.create_channel("asked"))["id"]
    message = await control.post("ask one", channel=channel)
    await bot.judge.expect(ReplySent, stream=channel)
    before = await echoless(tmp_path / "log", "why", "--channel", channel, message["id"])
    await bot.stop()
    await launch(rules=[{"match": "ask (?P<what>.+)", "reply": "again: {what}"}])

    after = await echoless(tmp_path / "log", "why", "--channel", channel, message["id"])
    rehearsed = await echoless(tmp_path / "log", "rehearse", "--channel", channel, "--last", 1)

    assert (before["settings_are_present"], after["settings_are_present"]) == (True, False)
    assert before["answer"]["settings"] == after["answer"]["settings"] != ""
    assert (rehearsed["messages"][0]["said"], rehearsed["messages"][0]["would_say"]) == (["re: one"], ["again: one"])


async def test_a_rewind_while_a_reply_is_written_sends_it_once(
    launch: Launch, control: ControlClient, tmp_path: Path
) -> None:
    """Twice, undone, and across a restart: Discord has one answer to each."""
    gated = Gated()
    bot = await launch(responder=gated)
    channel = (await control.create_channel("rewound"))["id"]
    for text in ("one", "ask two", "three"):
        await control.post(text, channel=channel)
    await bot.judge.expect(ReplyRequested, stream=channel)
    await eventually(lambda: gated.asked)

    await echoless(tmp_path / "log", "rewind", "--channel", channel, "1", "--yes")
    await echoless(tmp_path / "log", "rewind", "--channel", channel, "0", "--yes")
    gated.open.set()
    await bot.judge.settled(channel)
    await echoless(tmp_path / "log", "undo", "--channel", channel)
    await bot.stop()
    again = await launch(responder=gated)
    await again.judge.expect(CatchupCompleted, stream=channel)
    await again.judge.settled(channel)

    answers = await control.messages(author="sandbox-bot", channel=channel)
    assert [answer["content"] for answer in answers] == ["re: two"]
    assert len(await again.judge.of(ReplySent, channel)) == 1
    assert len((await again.judge.state(channel)).window) == 2
