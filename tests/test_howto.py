"""The pages for whoever carries on: their examples run, and the files that they name exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("command", "consumer", "effect", "event", "own-event", "setting", "tool", "webhook")
PAGES = [ROOT / "docs" / "howto" / f"{name}.md" for name in NAMES]
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.stem))


@pages
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path) -> None:
    """One after the other, in a process of their own: an event that is made there is none of this run's."""
    blocks = re.findall(r"(?ms)^```python\n(.*?)^```$", page.read_text(encoding="utf-8"))
    script = tmp_path / f"{page.stem}.py"
    script.write_text("\n".join(blocks), encoding="utf-8")

    ran = subprocess.run(
        [sys.executable, "-W", "error", script], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert blocks
    assert (ran.returncode, ran.stderr) == (0, "")


@pages
def test_a_page_names_files_that_exist(page: Path) -> None:
    """And every page is short."""
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:bot|tests|docs)/[\w/.]*|[\w.]+\.(?:toml|md))`", text))

    assert len(named) > 2
    assert [] == [name for name in named if not (ROOT / name).exists()]
    assert len(text.splitlines()) <= 60
