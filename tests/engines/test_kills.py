"""A few owners that are killed or replaced; ``make engines`` has many."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines.emulators import SERVERS
from tests.engines.kills import run


@pytest.fixture(params=list(SERVERS))
def engine_name(request: pytest.FixtureRequest) -> str:
    """Name each engine in turn."""
    return str(request.param)


@pytest.mark.slow
async def test_nothing_is_lost_or_double_whoever_dies(address: str, tmp_path: Path) -> None:
    """Killed at any moment, or stopped and replaced."""
    owners = await run(address, tmp_path / "views", kills=1, zombies=1, callers=10, seed=1, points=())

    assert owners.acknowledged
