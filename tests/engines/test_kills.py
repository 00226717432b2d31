"""A few owners that are killed or replaced, with PostgreSQL; ``make engines`` has many, with each engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines.kills import run


@pytest.mark.long
async def test_nothing_is_lost_or_double_whoever_dies(address: str, tmp_path: Path) -> None:
    """Killed at any moment, or stopped and replaced."""
    owners = await run(address, tmp_path / "views", kills=1, zombies=1, callers=10, seed=1, points=())

    assert owners.acknowledged
