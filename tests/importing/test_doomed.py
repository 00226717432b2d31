"""An import that is killed, and run again, gives the log of an undisturbed one: a part of ``doomed.py``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
@pytest.mark.parametrize(("kind", "every", "events", "deaths"), [("messages", 2, 12, 3), ("log", 4, 14, 3)])
def test_a_killed_import_is_run_again(tmp_path: Path, kind: str, every: int, events: int, deaths: int) -> None:
    """Messages that are there already are not recorded again; of a new log there is nothing yet, or all."""
    command = [sys.executable, "-m", "tests.importing.doomed", str(tmp_path), kind, str(every)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    outcome = json.loads(ran.stdout)

    assert (outcome["wrong"], outcome["events"]) == ([], events)
    assert outcome["deaths"] >= deaths
