"""A session's start is over once the servers that READY named have come."""

from __future__ import annotations

import pytest

from bot.core.events import GatewayReady, ReplySent
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests import harness
from tests.harness import Launch
from tests.waiting import eventually

FOR_EVER = 3_600.0


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for ever for a server that is missing."""
    monkeypatch.setattr(harness, "SERVERS_WITHIN", FOR_EVER)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("more", [pytest.param(0, id="one server"), pytest.param(3, id="four servers")])
async def test_no_server_is_waited_for_once_all_have_come(launch: Launch, control: ControlClient, more: int) -> None:
    """Each of them is known by then."""
    for number in range(more):
        await control.create_guild(f"Server {number}")

    bot = await launch()

    assert [event.guilds for event in await bot.judge.expect(GatewayReady)] == [1 + more]


@pytest.mark.usefixtures("patient")
async def test_a_bot_on_no_server_waits_for_none(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """It is ready to be invited."""
    await control.delete_guild(str(sandbox.services.guild.id))

    bot = await launch()

    assert [event.guilds for event in await bot.judge.expect(GatewayReady)] == [0]


@pytest.mark.usefixtures("patient")
async def test_a_server_that_comes_late_is_waited_for(launch: Launch, control: ControlClient) -> None:
    """The start is over as soon as it is there."""
    await control.create_guild("Late")
    await control.set_guild_unavailable("Late", unavailable=True)
    bot = await launch(ready=False)
    await control.wait_for_ready(identifies=1)

    def first_has_come() -> bool:
        client = bot.supervisor.client
        return client is not None and [guild.unavailable for guild in client.guilds] == [False, True]

    await eventually(first_has_come)
    assert not await bot.judge.of(GatewayReady)

    await control.set_guild_unavailable("Late", unavailable=False)

    assert [event.guilds for event in await bot.judge.expect(GatewayReady)] == [2]


@pytest.mark.usefixtures("patient")
async def test_a_server_that_says_it_is_out_is_not_waited_for(launch: Launch, control: ControlClient) -> None:
    """Discord tells of it by GUILD_DELETE, also where it was out before."""
    out = (await control.create_guild("Out"))["id"]
    await control.create_guild("Late")
    for name in ("Out", "Late"):
        await control.set_guild_unavailable(name, unavailable=True)
    bot = await launch(ready=False)
    await control.wait_for_ready(identifies=1)

    await control.gateway("dispatch", event="GUILD_DELETE", data={"id": out, "unavailable": True})
    await control.set_guild_unavailable("Late", unavailable=False)

    assert [event.guilds for event in await bot.judge.expect(GatewayReady)] == [3]


async def test_a_server_that_stays_out_is_waited_for_so_long(launch: Launch, control: ControlClient) -> None:
    """The others are served, and it is once it is back."""
    await control.create_guild("Out")
    channel = await control.create_channel("there", guild="Out")
    await control.set_guild_unavailable("Out", unavailable=True)
    bot = await launch(ready=False)
    await bot.judge.expect(GatewayReady)
    await control.post("ask here")
    await bot.judge.expect(ReplySent)

    await control.set_guild_unavailable("Out", unavailable=False)
    await control.post("ask there", channel=channel["id"])
    await bot.judge.expect(ReplySent, 2)

    said = [message["content"] for message in await control.messages(author="sandbox-bot")]
    assert said == ["re: here", "re: there"]


@pytest.mark.usefixtures("patient")
async def test_sessions_that_begin_while_a_server_is_missing(launch: Launch, control: ControlClient) -> None:
    """The last one is over once the server has come; the ones before it end unnoticed."""
    await control.create_guild("Late")
    await control.set_guild_unavailable("Late", unavailable=True)
    bot = await launch(ready=False)
    for identifies in (1, 2, 3):
        await control.wait_for_ready(identifies=identifies)
        if identifies < 3:
            await control.gateway("invalid-session", resumable=False)

    await control.set_guild_unavailable("Late", unavailable=False)
    await bot.judge.expect(GatewayReady)
    await control.post("ask me")
    await bot.judge.expect(ReplySent)

    assert [event.guilds for event in await bot.judge.of(GatewayReady)] == [2]
