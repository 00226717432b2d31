"""No test leaves a process behind."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes that a process has started, and those that they have; none where the system does not tell."""
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for child in map(int, thread.read_text(encoding="ascii").split()):
                yield child
                yield from descendants(child)


def kill_descendants(pid: int) -> list[str]:
    """Kill every process that a process has started, and return their command lines."""
    killed = []
    for child in list(descendants(pid)):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            killed.append(Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8").replace("\0", " "))
            os.kill(child, signal.SIGKILL)
    return killed


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Fail a test that leaves a process, and end that."""
    yield
    assert kill_descendants(os.getpid()) == []
