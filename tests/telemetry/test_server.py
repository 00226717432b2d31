"""``/healthz`` and ``/metrics`` over real HTTP."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from bot.errors import ConfigError
from bot.telemetry import Health, Metrics, serve, together
from tests.ports import free_port

WELL = Health(gateway="connected", log="writable", pending=2)
ILL = Health(gateway="lost", log="writable", pending=0, reasons=("the gateway is gone",))


@pytest.fixture
def port() -> int:
    """Return a port that is free."""
    return free_port()


async def get(port: int, path: str) -> tuple[int, str, str]:
    """Return status, content type and body."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as response:
        return response.status, response.headers["Content-Type"], await response.text()


async def test_healthz_says_how_it_is_now(port: int) -> None:
    """200 with nothing to complain about, 503 with reasons; asked anew each time."""
    states = [WELL, ILL]

    async with serve("127.0.0.1", port, health=lambda: states.pop(0), metrics=Metrics()):
        well, ill = await get(port, "/healthz"), await get(port, "/healthz")

    assert well == (
        200,
        "application/json; charset=utf-8",
        (
            '{"status": "ok", "gateway": "connected", "log": "writable", "pending": 2, "reasons": [], "model": "", '
            '"backup": "", "retention": "", "consumers": "", "reading": "", "unreadable": 0, "role": "owner"}'
        ),
    )
    assert ill == (
        503,
        "application/json; charset=utf-8",
        (
            '{"status": "failing", "gateway": "lost", "log": "writable", "pending": 0, '
            '"reasons": ["the gateway is gone"], "model": "", "backup": "", "retention": "", "consumers": "", '
            '"reading": "", "unreadable": 0, "role": "owner"}'
        ),
    )


@pytest.mark.parametrize(
    ("degraded", "named"),
    [
        pytest.param({"model": "openai:tiny: model away (no connection)"}, "no connection", id="a model that is away"),
        pytest.param({"reading": "Channel 5 can't be read."}, "Channel 5 can't be read", id="a channel not read"),
        pytest.param({"unreadable": 3}, '"unreadable": 3', id="events not read"),
    ],
)
async def test_what_a_restart_can_not_mend_fails_nobody(port: int, degraded: dict[str, Any], named: str) -> None:
    """So whoever restarts is not asked to."""
    health = Health("connected", "writable", 1, **degraded)

    async with serve("127.0.0.1", port, health=lambda: health, metrics=Metrics()):
        status, _, body = await get(port, "/healthz")

    assert status == 200
    assert '"status": "degraded"' in body
    assert named in body


async def test_metrics_are_prometheus_text(port: int) -> None:
    """With the content type that its scrapers ask for."""
    metrics = Metrics()
    metrics.watch("pending_replies", lambda: 3)

    async with serve("127.0.0.1", port, health=lambda: WELL, metrics=metrics):
        status, kind, body = await get(port, "/metrics")

    assert status == 200
    assert kind.startswith("text/plain; version=")
    assert "\necholess_pending_replies 3.0\n" in body


async def test_a_taken_port_is_named_with_its_setting(port: int) -> None:
    """The owner is told which setting to change, and what else would help."""
    with socket.create_server(("127.0.0.1", port)), pytest.raises(ConfigError) as caught:
        async with serve("127.0.0.1", port, health=lambda: WELL, metrics=Metrics()):
            pytest.fail("nobody can listen on a taken port")

    assert str(caught.value) == (
        f"Port {port} on 127.0.0.1 is taken: set telemetry.port to a free one, or to 0 to go without /healthz."
    )


async def test_a_host_that_is_not_ours_is_refused(port: int) -> None:
    """192.0.2.1 is nobody's (RFC 5737)."""
    with pytest.raises(ConfigError, match=r"on 192\.0\.2\.1 can't be listened on .* check telemetry\.host"):
        async with serve("192.0.2.1", port, health=lambda: WELL, metrics=Metrics()):
            pytest.fail("nobody can listen on somebody else's address")


async def test_port_0_is_off() -> None:
    """Nothing is asked, nothing listens."""

    def ask() -> Health:
        pytest.fail("nobody asked")

    async with serve("no such host", 0, health=ask, metrics=Metrics()):
        pass


async def test_the_port_is_free_again_afterwards(port: int) -> None:
    """A restart within the same process finds it."""
    for _ in range(2):
        async with serve("127.0.0.1", port, health=lambda: WELL, metrics=Metrics()):
            status, _, _ = await get(port, "/healthz")

            assert status == 200


def test_the_health_of_several_partitions_is_that_of_the_worst() -> None:
    """What one of them says of itself has its number; what all say, those of all."""
    away, other = replace(WELL, gateway="disconnected", reasons=("away",)), replace(WELL, pending=2, backup="full")
    both = together({0: away, 2: other, 3: away})

    assert together({3: away}) == away
    assert (both.status, both.gateway, both.log, both.pending) == ("failing", "disconnected", "writable", 6)
    assert both.reasons == ("partition 0, 3: away",)
    assert both.backup == "partition 2: full"
    assert together({0: WELL, 1: WELL}).status == "ok"
