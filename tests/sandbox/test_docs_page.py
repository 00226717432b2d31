"""What docs/sandbox.md shows works: its bot passes its test, its commands can be typed."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from bot.sandbox.child_process import tethered
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.waiting import PATIENCE

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", PAGE)
FILES = {text.split("\n")[0].removeprefix("# "): text for kind, text in BLOCKS if kind == "python" and text[0] == "#"}
CONTROL = "http://127.0.0.1:8091/control"


FAULT = "        await control.add_fault("
FORGETFUL = {
    FAULT: f"        await control.change_settings(nonce_window=0)\n{FAULT}",
    "(2, 0)": "(2, 1)",
}


@pytest.mark.parametrize("changes", [pytest.param({}, id="as it is"), pytest.param(FORGETFUL, id="without nonces")])
async def test_the_bot_of_the_page_passes_its_test(tmp_path: Path, changes: dict[str, str]) -> None:
    """Both files, written in an empty folder, run by pytest with unmodified discord.py."""
    for name, shown in FILES.items():
        text = shown
        for old, new in changes.items():
            text = text.replace(old, new)
        (tmp_path / name).write_text(text, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *tethered(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_pingbot.py"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    async with asyncio.timeout(PATIENCE):
        output, _ = await process.communicate()

    assert FILES.keys() == {"pingbot.py", "test_pingbot.py"}
    assert (process.returncode, "1 passed" in output.decode()) == (0, True), output.decode()


def test_the_bot_of_the_page_has_no_more_than_ten_lines() -> None:
    """Without blank lines and the name of its file."""
    lines = [line for line in FILES["pingbot.py"].splitlines()[1:] if line.strip()]

    assert len(lines) <= 11
    assert "sandbox" not in FILES["pingbot.py"]


def test_the_two_lines_of_the_page_are_those_of_its_test() -> None:
    """Apart from where the addresses come from."""
    [pointing] = [text for kind, text in BLOCKS if kind == "python" and text.startswith("discord.http")]
    shown = {line.strip().replace("sandbox.", "") for line in FILES["test_pingbot.py"].splitlines()}

    assert len(pointing.splitlines()) == 2
    assert set(pointing.splitlines()) <= shown


async def test_it_starts_as_the_page_says() -> None:
    """With the same names in the same order, on free ports."""
    [[command, *shown]] = [text.splitlines() for kind, text in BLOCKS if kind == "console" and "api_url" in text]
    words = re.sub(r"80\d\d", "0", command.removeprefix("$ .venv/bin/python ")).split()
    process = await asyncio.create_subprocess_exec(
        *tethered(sys.executable, *words), cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        printed = [(await process.stdout.readline()).decode().rstrip() for _ in shown]
        process.terminate()
        await process.communicate()

    assert [re.sub(r"80\d\d", "N", line) for line in shown] == [re.sub(r":\d+/", ":N/", line) for line in printed]


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not at hand")
async def test_its_commands_can_be_typed(sandbox: Sandbox, control: ControlClient) -> None:
    """Against a sandbox on free ports; each is answered."""
    commands = [line for kind, text in BLOCKS if kind == "console" for line in text.splitlines() if "$ curl" in line]
    for command in commands:
        line = command.removeprefix("$ ").replace(CONTROL, sandbox.services.addresses.control)
        process = await asyncio.create_subprocess_exec("bash", "-c", line, stdout=asyncio.subprocess.PIPE)
        async with asyncio.timeout(PATIENCE):
            output, _ = await process.communicate()
        assert (process.returncode, output[:1], b'"error"' in output) == (0, b"{", False), f"{line}: {output!r}"

    [posted] = await control.messages()
    assert (posted["content"], [fault["kind"] for fault in await control.faults()]) == ("ping", ["hang"])
    assert len(commands) == 5
