"""What ``echoless run`` says to whoever started it for the first time."""

from __future__ import annotations

from typing import Any

from bot.gateway.invitation import Duties, invitation
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import BotProcess, Spawn
from tests.waiting import eventually


async def said(process: BotProcess, event: str) -> dict[str, Any]:
    """Wait for a log line and return it."""
    await eventually(lambda: process.lines(event))
    return process.lines(event)[0]


async def test_it_says_what_it_answers(spawn: Spawn) -> None:
    """By what, for whom, where."""
    process = await spawn(replies={"answer": ["mention", "dm"], "ask": True}, channels={"no_answer": [7]})

    line = await said(process, "bot.answers")

    assert line["what"] == "mentions, direct messages, /ask"
    assert line["by"] == "1 rule"
    assert line["whom"] == "people"
    assert line["where"] == "wherever it may read, but for 1 in no_answer"


async def test_it_warns_where_that_is_nothing(spawn: Spawn) -> None:
    """And says what to do."""
    process = await spawn(rules=[])

    line = await said(process, "bot.silent")

    assert line["level"] == "warning"
    assert "[[rules]]" in line["reason"]


async def test_on_no_server_it_shows_the_invitation(spawn: Spawn, sandbox: Sandbox, control: ControlClient) -> None:
    """At its start, and once it is removed from the last one."""
    guild = str(sandbox.services.description()["guild_id"])
    process = await spawn()
    await control.delete_guild(guild)

    line = await said(process, "gateway.no_server")

    assert line["invite"] == invitation(sandbox.services.application.id, Duties())
    assert (await said(process, "server.left"))["guild"] == int(guild)
    await process.terminate()
    again = await spawn()
    assert (await said(again, "gateway.no_server"))["invite"] == line["invite"]


async def test_each_answer_is_logged_by_its_ids(spawn: Spawn, control: ControlClient) -> None:
    """And what is not answered, with the reason; no words."""
    process = await spawn()
    asked = await control.post("ask a secret")
    ignored = await control.post("sing a song", mention="sandbox-bot")

    sent, skipped = await said(process, "reply.sent"), await said(process, "message.skipped")

    [reply] = await control.messages(author="sandbox-bot")
    assert (sent["level"], sent["message"], sent["reply"]) == ("info", int(asked["id"]), int(reply["id"]))
    assert sent["channel"] == int(asked["channel_id"])
    assert (skipped["message"], skipped["reason"]) == (int(ignored["id"]), "no answer")
    assert "secret" not in process.output.read_text()
    assert "song" not in process.output.read_text()
