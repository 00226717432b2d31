"""Consumers killed at steps of a batch, of a file, of a rebuild, of a transaction: a second life makes it whole.

A slice: ``python -m tests.consumers.doomed`` takes every step.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.consumers.brokering import GIVEN, MISSING, VARIABLE, available

ROOT = Path(__file__).parents[2]


KAFKA = {VARIABLE: GIVEN} if GIVEN else {}
IN_KAFKA = pytest.param("kafka", 40, marks=pytest.mark.skipif(not available(), reason=MISSING))


@pytest.mark.long
@pytest.mark.parametrize(
    ("scenario", "every"), [("table", 25), ("files", 25), ("rebuilt", 40), ("webhook", 8), IN_KAFKA]
)
def test_whatever_is_killed_ends_as_if_nothing_was(tmp_path: Path, scenario: str, every: int) -> None:
    """Tables, files and parked events are those of an undisturbed run."""
    command = [sys.executable, "-m", "tests.consumers.doomed", str(tmp_path), scenario, str(every)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ | KAFKA)

    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["died"] > 1
    assert found["wrong"] == []
