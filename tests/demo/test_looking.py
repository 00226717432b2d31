"""The demo's log as a page: it answers, and ends by Enter, by Ctrl-C, or by itself where there is no terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.demo.looking import look
from tests.page.conftest import write
from tests.waiting import PATIENCE

LINK = re.compile(r"this link works once: http://127\.0\.0\.1:\d+/page/enter#[\w-]{40,}")


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a log at rest."""
    folder = tmp_path_factory.mktemp("looked") / "log"
    asyncio.run(write(folder))
    return folder


async def test_without_a_terminal_it_ends_by_itself(logged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once the page has answered."""
    await look(logged)

    said, told = capsys.readouterr()
    assert said == ""
    assert LINK.search(told)
    assert "It answered." in told


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda terminal: os.write(terminal, b"\n"), id="enter"),
        pytest.param(lambda _: os.kill(os.getpid(), signal.SIGINT), id="ctrl-c"),
    ],
)
async def test_at_a_terminal_it_waits(
    logged: Path, monkeypatch: pytest.MonkeyPatch, end: Callable[[int], object]
) -> None:
    """For the person who looks at it; no browser is opened where there is no screen."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    own, theirs = pty.openpty()
    with os.fdopen(own, "rb", buffering=0) as terminal, os.fdopen(theirs, "r+b", buffering=0) as raw:
        for name, mode in (("stdin", "r"), ("stderr", "w")):
            monkeypatch.setattr(sys, name, open(raw.fileno(), mode, closefd=False))  # noqa: SIM115 - closed with the raw one
        looking = asyncio.create_task(look(logged))
        told = ""
        async with asyncio.timeout(PATIENCE):
            while "ends it" not in told:
                told += (await asyncio.to_thread(terminal.read, 4096)).decode()
            assert LINK.search(told)
            assert not looking.done()
            end(terminal.fileno())
            await looking
