"""A standby tells how it stands to its log while it waits, and so does whoever looks into its folder."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from bot.app.watching import health_of, watch_standing
from bot.cli.replay import replay
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.eventlog.remote import owning
from bot.eventlog.remote.opening import Engine
from bot.telemetry import Metrics, serve
from tests.engines.conftest import LONG, SHORT, Made, Opener
from tests.engines.views import Away, Seen, said
from tests.ports import free_port
from tests.waiting import eventually


async def get(port: int, path: str) -> tuple[int, str]:
    """Return the status and the body."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as response:
        return response.status, await response.text()


async def metrics(port: int) -> dict[str, float]:
    """Return the metrics of the log in an engine."""
    found = re.findall(r"^echoless_(log_\w+) ([\d.e+-]+)$", (await get(port, "/metrics"))[1], re.MULTILINE)
    return {name: float(value) for name, value in found}


async def status(folder: Path) -> dict[str, object]:
    """Return what `echoless replay status` says of a folder's engine."""
    arguments = ["status", "--log", str(folder), "--json"]
    result = await asyncio.to_thread(CliRunner().invoke, replay, arguments, catch_exceptions=False)
    found: dict[str, object] = json.loads(result.stdout)["engine"]
    return found


async def test_a_standby_tells_how_it_stands(
    opened: Opener, made: Made, clock: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its role, how far it follows, how long the owner is silent; and that it can't follow while the engine is away."""
    monkeypatch.setattr(owning, "PAUSE", 0.01)
    monkeypatch.chdir(tmp_path)
    port = free_port()
    away = Seen(Away)
    engine = Engine(away(made()), time.monotonic, LONG, standby=True)
    shown = Metrics()
    watch_standing(shown, engine.standing)
    location = Location(tmp_path / "standby", key_file=tmp_path / "vault.key")
    async with serve("127.0.0.1", port, health=lambda: health_of(engine.standing), metrics=shown):
        async with opened("owner", takeover=SHORT) as owner:
            await owner.append("channel:1", [said(1), said(2)])
            waiting = asyncio.create_task(open_log(location, clock=clock, full=False, engine=engine))
            await eventually(lambda: _is_at(port, 2))
            found = await metrics(port)
            assert (found["log_owner"], found["log_claims"]) == (0, 1)
            assert 0 <= found["log_lag_seconds"] < LONG
            code, body = await get(port, "/healthz")
            assert (code, json.loads(body)["role"], json.loads(body)["log"]) == (200, "standby", "followed")
            assert (await status(tmp_path / "standby"))["role"] == "standby"
            assert await status(tmp_path / "owner") == {
                **(await status(tmp_path / "standby")), "role": "owner"
            }  # fmt: skip

            away.one.away = True
            await eventually(lambda: _is_ill(port))
            assert "can't be used" in json.loads((await get(port, "/healthz"))[1])["reasons"][0]
            away.one.away = False
        log = await waiting
        found = await metrics(port)
        assert (found["log_owner"], found["log_claims"], found["log_lag_seconds"]) == (1, 2, 0)
    await log.close()
    assert (await status(tmp_path / "standby"))["role"] == "owner"
    assert log.standing is engine.standing


async def _is_at(port: int, position: int) -> bool:
    return (await metrics(port))["log_position"] == position


async def _is_ill(port: int) -> bool:
    return (await get(port, "/healthz"))[0] == 503
