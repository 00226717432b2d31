"""Consumers killed at steps of a batch, of a file, of a rebuild: a second life leaves what an undisturbed one does.

A slice: ``python -m tests.consumers.doomed`` takes every step.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("scenario", "every"), [("table", 25), ("files", 25), ("rebuilt", 40), ("webhook", 3)])
def test_whatever_is_killed_ends_as_if_nothing_was(tmp_path: Path, scenario: str, every: int) -> None:
    """Tables, files and parked events are those of an undisturbed run."""
    command = [sys.executable, "-m", "tests.consumers.doomed", str(tmp_path), scenario, str(every)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["died"] > 1
    assert found["wrong"] == []
