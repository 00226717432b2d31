"""The demo's log as a page: it answers, and ends by Enter, by Ctrl-C, or by itself where there is no terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.page.conftest import write
from tests.waiting import PATIENCE

LOOK = "import asyncio, pathlib, sys; from bot.demo.looking import look; asyncio.run(look(pathlib.Path(sys.argv[1])))"
LINK = re.compile(r"this link works once: http://127\.0\.0\.1:\d+/page/enter#[\w-]{40,}")


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a log at rest."""
    folder = tmp_path_factory.mktemp("looked") / "log"
    asyncio.run(write(folder))
    return folder


def test_without_a_terminal_it_ends_by_itself(logged: Path) -> None:
    """Once the page has answered."""
    command = [sys.executable, "-c", LOOK, str(logged)]
    ran = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False
    )

    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    assert LINK.search(ran.stderr)
    assert "It answered." in ran.stderr


@pytest.mark.parametrize("how", ["enter", "ctrl-c"])
def test_at_a_terminal_it_waits(logged: Path, how: str) -> None:
    """For the person who looks at it."""
    own, theirs = pty.openpty()
    without_screen = {key: value for key, value in os.environ.items() if "DISPLAY" not in key}
    with subprocess.Popen(
        [sys.executable, "-c", LOOK, logged], stdin=theirs, stderr=theirs, stdout=theirs, env=without_screen
    ) as process:
        os.close(theirs)
        told = ""
        while "ends it" not in told:
            told += os.read(own, 4096).decode()
        assert LINK.search(told)
        assert process.poll() is None
        if how == "enter":
            os.write(own, b"\n")
        else:
            process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
    os.close(own)
