from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from discord.gateway import DiscordWebSocket

from bot.gateway.heartbeat import USUAL, Heartbeat
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from tests.harness import Launch
from tests.waiting import eventually

SECONDS = 2.0


@pytest.fixture
def options(options: SandboxOptions) -> SandboxOptions:
    """Ask for heartbeats that do not take long to come."""
    return replace(options, heartbeat_interval=SECONDS)


async def test_an_acknowledgement_counts_for_its_own_heartbeat(
    launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However soon it comes: counted from the heartbeat before, it would say that the bot can't keep up."""
    acknowledged: list[float] = []
    send = DiscordWebSocket.send_heartbeat

    async def slow_to_return(socket: DiscordWebSocket, data: Any) -> None:  # noqa: ANN401 - JSON
        keep_alive = socket._keep_alive
        assert keep_alive is not None
        before = keep_alive._last_ack
        await send(socket, data)
        # The thread that sends hears of it only once the acknowledgement is there, as on a fast connection.
        await eventually(lambda: keep_alive._last_ack != before)
        acknowledged.append(keep_alive.latency)

    monkeypatch.setattr(DiscordWebSocket, "send_heartbeat", slow_to_return)
    await launch()
    await control.wait_for_ready()

    await eventually(lambda: acknowledged)

    assert acknowledged[0] < SECONDS


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (41.25, 41.25),
        (2.0, 2.0),
        (0.0, USUAL),
        (-1.0, USUAL),
        (float("nan"), USUAL),
        (float("inf"), USUAL),
        (None, USUAL),
    ],
)
async def test_an_interval_that_is_none_is_not_believed(
    launch: Launch, control: ControlClient, told: float | None, kept: float
) -> None:
    """Without any, discord.py's thread would send without a pause; with an endless one it would end."""
    bot = await launch()
    await control.wait_for_ready()
    client = bot.supervisor.client
    assert client is not None

    assert Heartbeat(ws=client.ws, interval=told).interval == kept
