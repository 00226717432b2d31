"""``/stats`` in Discord: a picture, and nothing of channels that the asker can't see."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
from click.testing import CliRunner

from bot.cli.main import echoless
from bot.core.events import ReplySent
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator, text_of
from tests.harness import Launch
from tests.waiting import eventually


async def test_stats_are_a_picture_of_what_the_asker_may_see(
    launch: Launch, control: ControlClient, moderator: Moderator, tmp_path: Path
) -> None:
    """Each moderator learns of their own server, and there of what is open to them; ``echoless stats`` agrees."""
    await control.call("POST", "/roles", {"name": "mods", "permissions": ["MANAGE_GUILD"], "users": ["bob"]})
    await control.create_channel("secret")
    await control.set_permissions("secret", deny=["VIEW_CHANNEL"], target="bob")
    await control.create_guild("elsewhere")
    other = (await control.create_channel("other", guild="elsewhere"))["id"]
    bot = await launch(consumers={"activity": {}})
    await moderator.registered()
    for channel in ("general", "secret", "secret"):
        await control.post("ask one", channel=channel)
    await bot.judge.expect(ReplySent, 3)
    await eventually(lambda: not bot.bot.consumers.lag("activity"))

    whole = await moderator.use("stats")
    of_bob = text_of(await Moderator(control, "bob").use("stats"))
    closed = text_of(await Moderator(control, "bob").use("stats", {"channel": "secret"}))
    of_others = text_of(await Moderator(control, channel=other).use("stats"))
    refused = text_of(await Moderator(control, "alice").use("stats"))
    (file,) = whole["original"]["attachments"]
    async with aiohttp.ClientSession() as session, session.get(file["url"]) as response:
        picture = await response.read()
    await bot.stop()
    arguments = ["stats", "--log", str(tmp_path / "log"), "--json"]
    ran = await asyncio.to_thread(CliRunner().invoke, echoless, arguments)

    assert ": 3 messages, 1 person, 3 replies" in text_of(whole)
    assert "#secret" in text_of(whole)
    assert (file["filename"], picture[:4]) == ("stats.png", b"\x89PNG")
    assert ": 1 message, 1 person, 1 reply" in of_bob
    assert "#secret" not in of_bob
    assert "channel" in closed
    assert ": 0 messages, 0 people, 0 replies" in of_others
    assert "You may not use this command" in refused
    total = json.loads(ran.output)["total"]
    assert (total["messages"], total["people"], total["latency_ms"]["count"]) == (3, 1, 3)
