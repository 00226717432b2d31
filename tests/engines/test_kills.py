"""A few owners that are killed or replaced; ``make engines`` has many."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines.kills import run


@pytest.mark.slow
async def test_nothing_is_lost_or_double_whoever_dies(dsn: str, tmp_path: Path) -> None:
    """Killed at any moment, or stopped and replaced."""
    owners = await run(dsn, tmp_path / "views", kills=1, zombies=1, callers=10, seed=1, points=())

    assert owners.acknowledged
