"""What is told of a life that is over, and how one is ended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from bot.sandbox.process import SandboxProcess
from tests.crashpoints.lives import Lives, counted
from tests.crashpoints.nursery import Child, Nursery


@pytest.mark.parametrize(("told", "commits"), [(None, (0, 0)), ("", (0, 0)), ("12 3", (12, 3))])
def test_what_a_life_told_is_counted(tmp_path: Path, told: str | None, commits: tuple[int, int]) -> None:
    """One that did not end in good order told nothing."""
    if told is not None:
        (tmp_path / "tally").write_text(told, encoding="ascii")

    assert counted(tmp_path / "tally") == commits


async def test_a_life_is_asked_once_to_end(tmp_path: Path) -> None:
    """At its very end nothing takes the signal any more: a second one would kill it over what it tells."""
    asked: list[str] = []

    class Slow:
        def terminate(self) -> None:
            asked.append("to end")

    lives = Lives(tmp_path, cast("Nursery", None), cast("SandboxProcess", None), ())
    lives._child, lives._keeper = cast("Child", Slow()), asyncio.create_task(asyncio.sleep(0.25))
    await lives.stop()

    assert asked == ["to end"]
