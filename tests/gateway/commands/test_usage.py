"""What answers took, in Discord and on the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from xml.etree import ElementTree as ET

from click.testing import CliRunner

from bot.cli.main import echoless
from bot.core.events import ReactionAdded, ReplySent
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator, text_of
from tests.harness import Launch
from tests.model import dear


async def test_usage_is_shown_in_discord_and_on_the_command_line(
    launch: Launch, control: ControlClient, moderator: Moderator, tmp_path: Path
) -> None:
    """Tokens, cost and reactions, by whom and where; a person without the permission is refused."""
    bot = await launch(responder=dear())
    await moderator.registered()
    asked = await control.post("one", mention=["sandbox-bot"])
    (sent,) = await bot.judge.expect(ReplySent)
    await control.react(str(sent.sent_id), "👍")
    await bot.judge.expect(ReactionAdded)

    shown = text_of(await moderator.use("usage"))
    moderator.user = "alice"
    refused = text_of(await moderator.use("usage"))
    await bot.stop()
    svg = tmp_path / "usage.svg"
    arguments = ["usage", "--log", str(tmp_path / "log"), "--json", "--svg", str(svg)]
    ran = await asyncio.to_thread(CliRunner().invoke, echoless, arguments)

    assert "Usage: 1 reply, 100 tokens, $0.5000" in shown
    assert "  alice" in shown
    assert "  #general" in shown
    assert "reactions: 1 up" in shown
    assert "You may not use this command" in refused
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.output)
    counted = {"replies": 1, "tokens": 100, "cost_micros": 500_000, "unpriced": 0, "failed": 0, "rehearsed": 0}
    assert found["total"] == counted
    assert set(found["moderators"].values()) == {0}
    assert list(found["channels"]) == [asked["channel_id"]]
    assert [person["name"] for person in found["people"].values()] == ["alice"]
    assert ET.fromstring(svg.read_text()).tag.endswith("svg")  # noqa: S314 - our own file
