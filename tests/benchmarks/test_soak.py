"""A soak: what it makes of its samples, and that it runs, ends and cleans up."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.soak_figures import WARM_UP, growth

ROOT = Path(__file__).parents[2]
HOUR = 3600


def samples(*sizes: float) -> list[tuple[float, float]]:
    """Return sizes that were seen a minute apart, after the warm-up."""
    return [(WARM_UP + 60 * number, size) for number, size in enumerate(sizes, 1)]


def test_memory_that_grows_is_seen() -> None:
    """By a MiB a minute, less or more: sixty an hour."""
    found = growth(samples(80, 81.1, 81.9, 83, 84.1, 84.9))

    assert found is not None
    assert found.slope == pytest.approx(60, abs=2)
    assert found.grows


def test_memory_that_goes_up_and_down_does_not_grow() -> None:
    """Its slope is within what it differs by."""
    found = growth(samples(80, 83, 79, 84, 80, 82))

    assert found is not None
    assert not found.grows


def test_a_page_now_and_then_is_no_growth() -> None:
    """However steady it is: half a MiB in an hour."""
    found = growth([(WARM_UP + 60 * minute, 80 + minute / 120) for minute in range(1, 61)])

    assert found is not None
    assert found.slope == pytest.approx(0.5)
    assert not found.grows


def test_the_warm_up_is_no_growth() -> None:
    """Caches fill in the first minutes."""
    found = growth([(60.0, 20.0), (WARM_UP, 79.0), *samples(80, 80, 80)])

    assert found is not None
    assert (found.slope, found.grows) == (0, False)


@pytest.mark.parametrize("sizes", [(), (80.0,), (80.0, 81.0)])
def test_few_lines_tell_nothing(sizes: tuple[float, ...]) -> None:
    """A line through two points has no spread."""
    assert growth(samples(*sizes)) is None


@asynccontextmanager
async def soaking(folder: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a soak."""
    command = ("-m", "benchmarks.soak", "--json", "--every", "1", "--folder", str(folder), *arguments)
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def verdict_of(output: bytes) -> dict[str, Any]:
    """Return the closing object."""
    verdict: dict[str, Any] = json.loads(output.splitlines()[-1])["verdict"]
    return verdict


@pytest.mark.long
async def test_a_soak_runs_to_its_end(tmp_path: Path) -> None:
    """Two seconds of it: everything is recorded once and answered once, and each line counts on."""
    async with soaking(tmp_path, "--minutes", "0.034") as process:
        output, _ = await process.communicate()
    lines = [record["line"] for record in map(json.loads, output.splitlines()) if "line" in record]
    verdict = verdict_of(output)

    assert process.returncode == 0
    assert (verdict["posted"], verdict["recorded"], verdict["lost"], verdict["doubled"]) == (102, 102, 0, 0)
    assert verdict["answered"] > 0
    assert verdict["rss_growth"] is None
    assert (lines[-1]["recorded"], lines[-1]["pending"]) == (102, 0)
    assert [line["recorded"] for line in lines] == sorted(line["recorded"] for line in lines)
    assert not list(tmp_path.iterdir())


@pytest.mark.long
async def test_ctrl_c_ends_a_soak_with_a_verdict(tmp_path: Path) -> None:
    """On what there was by then; no process and no file is left."""
    async with soaking(tmp_path, "--minutes", "60") as process:
        if process.stdout is None:
            raise RuntimeError("There is no output.")
        while b'"line"' not in await process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        output, _ = await process.communicate()
    verdict = verdict_of(output)

    assert process.returncode == 130
    assert verdict["cut"]
    assert 0 < verdict["posted"] == verdict["recorded"]
    assert (verdict["lost"], verdict["doubled"]) == (0, 0)
    assert not list(tmp_path.iterdir())
