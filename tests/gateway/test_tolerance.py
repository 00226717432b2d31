from __future__ import annotations

import pytest

from bot.core.events import MessageReceived, ReplySent
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Launch


@pytest.mark.parametrize(
    ("event", "data"),
    [
        pytest.param("MESSAGE_UPDATE", {"id": "5", "embeds": []}, id="an edit of which only the change is told"),
        pytest.param("MESSAGE_CREATE", {"id": "5"}, id="a message from nowhere"),
        pytest.param("MESSAGE_DELETE_BULK", None, id="nothing"),
        pytest.param("INTERACTION_CREATE", {"id": "5", "type": 2}, id="a command without a token"),
    ],
)
async def test_an_event_that_cannot_be_parsed_is_left_out(
    launch: Launch, control: ControlClient, sandbox: Sandbox, event: str, data: object
) -> None:
    """The session goes on: identifying anew for each would soon be too often."""
    bot = await launch()
    if isinstance(data, dict):
        data = {**data, "channel_id": str(sandbox.services.general.id), "guild_id": str(sandbox.services.guild.id)}

    await control.gateway("dispatch", event=event, data=data)
    await control.post("ask on")
    await bot.judge.expect(ReplySent)

    assert (await control.sessions())["identifies"] == 1


async def test_a_message_that_cannot_be_parsed_is_read_from_the_history(launch: Launch, control: ControlClient) -> None:
    """Live, discord.py needs more of a message than the bot does."""
    await control.create_channel("hidden")
    await control.set_permissions("hidden", deny=["VIEW_CHANNEL"])
    bot = await launch()
    post = await control.post("ask hidden", channel="hidden")
    await control.set_permissions("hidden", allow=["VIEW_CHANNEL"])

    await control.gateway("dispatch", message=post["id"], without=["content"])
    await bot.judge.expect(ReplySent)

    assert [event.message_id for event in await bot.judge.of(MessageReceived)] == [int(post["id"])]
    assert (await control.sessions())["identifies"] == 1
