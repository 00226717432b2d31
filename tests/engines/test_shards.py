"""Two shards in four processes, two owners and two standbys; ``python -m tests.engines.shards`` kills many owners."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.engines.shards import run


@pytest.fixture
def options() -> SandboxOptions:
    """Let a shard that goes on elsewhere begin at once."""
    return SandboxOptions(message_rate=None, global_rate=None, identify_period=0.01)


@pytest.mark.long
async def test_nothing_is_lost_or_double_whoever_dies(
    sandbox: Sandbox, control: ControlClient, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standby of the shard goes on with all its partitions, and the other shard hears nothing of it."""
    monkeypatch.setenv("ECHOLESS_POSTGRESQL", dsn)

    hosts = await run(sandbox, control, tmp_path, kills=1, takeover="500ms", seed=1)

    assert len(hosts.addressed) == 20
    assert await hosts.problems() == []
