"""The suite itself: what it keeps from hanging, from lingering and from the world outside."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from bot.sandbox.child_process import tethered
from tests.suite import clock
from tests.waiting import PATIENCE, eventually

ROOT = Path(__file__).parents[2]
HANGS = """
import subprocess, sys, threading
import pytest

@pytest.fixture
def hanging(request):
    yield
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    print(child.pid, file=open({pid!r}, "w"), flush=True)
    request.config.pluginmanager.get_plugin("standstill").limit = 0.0
    threading.Event().wait()

def test_it(hanging):
    pass
"""
CONFIGURES = """
import pytest, structlog

@pytest.mark.parametrize("number", [1, 2])
def test_it(number):
    assert not structlog.is_configured()
    with structlog.testing.capture_logs():
        structlog.contextvars.bind_contextvars(number=number)
    assert structlog.is_configured()
    assert structlog.contextvars.get_contextvars() == {"number": number}
"""


def run_tests(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run tests in a process of their own, as somebody types it."""
    command = tethered(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, arguments))
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=ROOT)


def gone(pid: int) -> bool:
    """Tell whether there is no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    # Whoever adopts orphans may be slow to bury them.
    return stat.exists() and stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"


async def test_the_clock_begins_with_each_test() -> None:
    """As on a machine that booted just now, for the event loop too."""
    assert asyncio.get_running_loop().time() < clock.since_boot()
    assert time.monotonic() < clock.since_boot()


async def test_nobody_outside_is_asked(nobody_outside_is_asked: list[str]) -> None:
    """Neither by name nor by number, whoever asks; and the test that tried would fail."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get("https://api.openai.com/v1/models")
    with socket.socket() as line, pytest.raises(ConnectionRefusedError, match="outside this machine"):
        line.connect(("192.0.2.1", 443))

    assert nobody_outside_is_asked == ["api.openai.com", "192.0.2.1"]
    nobody_outside_is_asked.clear()


@pytest.mark.long
def test_a_test_that_times_out_ends_and_leaves_no_process() -> None:
    """Cleanup does not wait for what was just cancelled; see that no process is left, by the fixture for all tests."""
    ran = run_tests("tests/crashpoints", "-k", "remembered", "-o", "timeout=2")

    assert ran.returncode == 1, ran.stdout
    assert "1 failed" in ran.stdout.splitlines()[-1]
    assert "error" not in ran.stdout.splitlines()[-1]


@pytest.mark.long
@pytest.mark.parametrize("workers", [0, 1])
async def test_a_run_that_stands_still_is_ended(tmp_path: Path, workers: int) -> None:
    """Here in a cleanup; it says which test it is, and leaves no process."""
    (tmp_path / "test_hangs.py").write_text(HANGS.format(pid=str(tmp_path / "pid")), encoding="utf-8")
    options = ("-c", ROOT / "pyproject.toml", "-p", "tests.suite.watchdog", "--rootdir", tmp_path, "-n", workers)

    ran = await asyncio.to_thread(run_tests, *options, "--max-worker-restart", 0, tmp_path / "test_hangs.py")

    assert ran.returncode == (1 if workers else 70), ran.stdout
    assert "stands still at" in ran.stderr
    assert "test_hangs.py::test_it, after its call" in ran.stderr
    assert "in hanging" in ran.stderr
    assert "crashed while running" in ran.stdout or not workers
    await eventually(lambda: gone(int((tmp_path / "pid").read_text(encoding="ascii"))))


def test_each_test_has_log_lines_of_its_own(tmp_path: Path) -> None:
    """Whatever the one before it configured, and bound."""
    (tmp_path / "test_configures.py").write_text(CONFIGURES, encoding="utf-8")
    options = ("-c", os.devnull, "--rootdir", tmp_path, tmp_path / "test_configures.py")

    assert run_tests("-p", "tests.suite.log_lines", *options).returncode == 0
    assert run_tests(*options).returncode == 1


async def test_children_end_with_their_parent() -> None:
    """Also where that is killed."""
    program = (
        "import subprocess, sys; from bot.sandbox.child_process import tethered;"
        "child = subprocess.Popen(tethered(sys.executable, '-c', 'print(1, flush=True); input()'),"
        " stdin=subprocess.PIPE, stdout=subprocess.PIPE);"
        "child.stdout.readline(); print(child.pid, flush=True); input()"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())

    parent.kill()
    await parent.wait()

    await eventually(lambda: gone(child))
