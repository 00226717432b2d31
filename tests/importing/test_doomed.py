"""An import that is killed at any step, and run again, gives the log of an undisturbed one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("kind", "events", "deaths"), [("messages", 12, 4), ("log", 14, 6)])
def test_a_killed_import_is_run_again(tmp_path: Path, kind: str, events: int, deaths: int) -> None:
    """Messages that are there already are not recorded again; of a new log there is nothing yet, or all."""
    command = [sys.executable, "-m", "tests.importing.doomed", str(tmp_path), kind]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    outcome = json.loads(ran.stdout)

    assert (outcome["wrong"], outcome["events"]) == ([], events)
    assert outcome["deaths"] >= deaths
