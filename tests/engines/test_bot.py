"""A bot whose log is in PostgreSQL: it dies here and goes on there, and Discord hears each answer once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from bot.app.clock import clock
from bot.app.engines import engine_of
from bot.config import Config
from bot.core.events import ReplySent
from bot.errors import ConfigError
from bot.eventlog.location import Location
from bot.eventlog.log import open_log, open_reader
from bot.eventlog.remote import appending
from bot.eventlog.remote.opening import Engine
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.engines.conftest import SHORT, Made
from tests.engines.test_standing import get, metrics
from tests.engines.views import Away, Seen
from tests.harness import ROOT, Judge, Spawn, start_bot, start_process
from tests.ports import free_port
from tests.waiting import eventually


async def said(control: ControlClient) -> list[str]:
    """Return what the bot said, oldest first."""
    return [message["content"] for message in await control.messages(author="sandbox-bot")]


@pytest.mark.slow
async def test_another_host_goes_on(
    spawn: Spawn, sandbox: Sandbox, control: ControlClient, made: Made, dsn: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """From an empty folder and the key. Who is replaced while it lives ends, and says why."""
    monkeypatch.setenv("ECHOLESS_POSTGRESQL", dsn)
    key = tmp_path / "vault.key"
    log = {"engine": "postgresql", "takeover": "500ms", "key_file": str(key)}
    patience = {"send_timeout": "500ms"}
    first = await spawn("first", log=log, replies=patience)
    port = free_port()
    telemetry = {"port": port, "log_level": "info", "log_format": "json"}
    sections = {"log": log, "replies": patience, "telemetry": telemetry}
    second = await start_process(sandbox, tmp_path / "second", sections, None, "--standby")
    await eventually(lambda: second.lines("log.standby"))
    await eventually(lambda: _is_served_by(port, "standby"))
    await control.post("ask one")
    await eventually(lambda: _answers(control, 1))
    await first.kill()
    await control.post("ask two")
    await eventually(lambda: _answers(control, 2))
    assert await _is_served_by(port, "owner")

    reader = await open_reader(Location(tmp_path / "second"), words=False)
    await Judge(reader).expect(ReplySent, 2)
    await reader.close()
    third = await open_log(
        Location(tmp_path / "third", key_file=key),
        clock=clock,
        engine=Engine(made(), time.monotonic, SHORT, force=True),
    )
    assert await second.process.wait() == 4
    assert "Another process has taken over the log" in second.output.read_text()
    await third.close()
    assert await said(control) == ["re: one", "re: two"]


async def _is_served_by(port: int, role: str) -> bool:
    """Tell whether a process with a role serves its health, and how it stands to the log."""
    try:
        found = json.loads((await get(port, "/healthz"))[1])["role"]
        return bool(found == role and "log_owner" in await metrics(port))
    except aiohttp.ClientError:
        return False


async def _answers(control: ControlClient, count: int) -> bool:
    return len(await said(control)) >= count


async def test_while_the_engine_is_away_the_bot_says_so_and_is_mute(
    sandbox: Sandbox, control: ControlClient, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is answered that is not kept, and then everything once."""
    monkeypatch.setattr(appending, "LONGEST_PAUSE", 0.05)
    engine = Seen(Away)
    running = await start_bot(sandbox, tmp_path / "log", {}, engine=Engine(engine(made()), time.monotonic, SHORT))
    try:
        await running.ready()
        await control.post("ask one")
        await running.judge.expect(ReplySent)
        engine.one.away = True
        await control.post("ask two")
        await eventually(lambda: engine.one.refused > 2)

        health = running.bot.health()
        assert health.log == "unwritable"
        assert any("PostgreSQL, which keeps the log, can't be used" in reason for reason in health.reasons)
        assert await said(control) == ["re: one"]

        engine.one.away = False
        await running.judge.expect(ReplySent, 2)
        await eventually(lambda: running.bot.health().log == "writable")
        assert await said(control) == ["re: one", "re: two"]
    finally:
        engine.one.away = False
        await running.stop()


def test_no_driver_is_imported_that_nobody_asked_for() -> None:
    """A log in its folder takes no longer to start, nor more memory."""
    drivers = "{'aiobotocore', 'aiokafka', 'asyncpg'}"
    code = f"import sys, bot.app.running, bot.cli.run; sys.exit(bool({drivers} & {{*sys.modules}}))"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_an_engine_without_its_address_is_told() -> None:
    """Before anything is made."""
    config = Config.model_validate({"log": {"engine": "postgresql"}})

    assert engine_of(Config(), {}) is None
    with pytest.raises(ConfigError, match="are for a log in an engine"):
        engine_of(Config(), {}, standby=True)
    with pytest.raises(ConfigError, match="ECHOLESS_POSTGRESQL is not set"):
        engine_of(config, {})
    engine = engine_of(config, {"ECHOLESS_POSTGRESQL": "postgresql://a:hidden@127.0.0.1/b"})
    assert engine is not None
    assert engine.takeover == 30
