"""``echoless sandbox``: what it says to do next, and a bot that comes along."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from bot.app.responders import responders_of
from bot.cli.options import program
from bot.cli.sandbox import hint
from bot.cli.starter import starter_files
from bot.config import load
from bot.core.events import Call
from bot.responders import Question
from tests.sandbox.screen import ROOT, terminal
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.long

DESCRIPTION = {"token": "t", "api_url": "http://a", "gateway_url": "ws://g", "control_url": "http://c"}


def _processes_in(folder: str) -> list[str]:
    """Return the processes that were called with something in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found.append(path.read_bytes().decode(errors="replace"))
    return [line for line in found if folder in line]


async def test_one_command_gives_a_chat_that_answers(tmp_path: Path) -> None:
    """Whatever is said to the bot, by rules to begin with; nothing of it stays."""
    async with terminal(tmp_path, "sandbox", "--with-bot") as running:
        screen = running.screen
        log = Path((await screen.shows(r"Its log lines: (\S+)"))[1])
        await screen.shows("sandbox-bot is here: start a line with its name")
        screen.type("sandbox-bot, what is this?")
        await screen.shows(r"sandbox-bot \(to alice\): Hello, alice!")
        screen.type("sandbox-bot !ping")
        await screen.shows(r"sandbox-bot \(to alice\): pong")
        screen.type("@sandbox-bot !about")
        await screen.shows("I am Echoless")
        screen.type("/replay state")
        await screen.shows(r"only you see this\):\s+Channel \d+ at version")
        assert "gateway.ready" in log.read_text()
        assert _processes_in(str(log.parent))

    assert not log.parent.exists()
    assert _processes_in(str(log.parent)) == []
    assert list(tmp_path.iterdir()) == []


async def test_the_bot_ends_with_the_sandbox_however_that_ends(tmp_path: Path) -> None:
    """A sandbox that is killed leaves no bot behind that looks for it for ever."""
    async with terminal(tmp_path, "sandbox", "--with-bot") as running:
        folder = Path((await running.screen.shows(r"Its log lines: (\S+)"))[1]).parent
        await running.screen.shows("sandbox-bot is here")
        assert _processes_in(str(folder))
        await running.kill()
        await eventually(lambda: not _processes_in(str(folder)))
    shutil.rmtree(folder)


async def test_the_settings_of_the_folder_count(tmp_path: Path) -> None:
    """Its rules answer; the log that they name is left alone."""
    (tmp_path / "config.toml").write_text("[[rules]]\nmatch = 'ding'\nreply = \"dong\"\n")
    async with terminal(tmp_path, "sandbox", "--with-bot") as running:
        await running.screen.shows(r"a bot comes along, with the settings in \S+config\.toml")
        await running.screen.shows("sandbox-bot is here")
        running.screen.type("ding")
        await running.screen.shows(r"sandbox-bot \(to alice\): dong")

    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


async def test_a_bot_that_ends_by_itself_is_told_of(tmp_path: Path) -> None:
    """With the last that it said; the chat goes on."""
    (tmp_path / "config.toml").write_text("[replies]\nanswr = []\n")
    async with terminal(tmp_path, "sandbox", "--with-bot") as running:
        await running.screen.shows(r"The bot ended by itself with exit code 2\.")
        await running.screen.shows("answr")


@pytest.mark.parametrize(("settings", "code"), [("", 0), ("[replies]\nanswr = []\n", 1)], ids=["plays", "ends"])
async def test_recorded_chat_is_played_to_it(tmp_path: Path, settings: str, code: int) -> None:
    """One command plays and counts; a bot that does not come is not waited for."""
    line = {"channel": "c", "at": "2026-01-01T00:00:00Z", "author": "ann", "bot": False, "content": "ping"}
    (tmp_path / "chat.jsonl").write_text(json.dumps(line))
    (tmp_path / "config.toml").write_text(settings or "[[rules]]\nmatch = 'ping'\nreply = \"pong\"\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "sandbox", "--with-bot", "--json"),
        *("--play", "chat.jsonl", "--exit-after-play"),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()

    assert process.returncode == code, err
    if code:
        assert b"The bot ended by itself with exit code 2." in err
    else:
        assert json.loads(out.splitlines()[-1])["answered"] == {"c": 1}


def test_the_files_to_begin_with_work(tmp_path: Path) -> None:
    """Every file that the settings name is there, and whatever is said to the bot is answered, and nothing else."""
    for name, content in starter_files().items():
        (tmp_path / name).write_text(content)
    config = load(tmp_path / "config.toml", {})
    answering = responders_of(config)

    assert all(rule.facts is None or rule.facts.exists() for rule in config.rules)
    assert Call.RULE not in config.replies.answer
    for text in ("ping", "PING", "!rules", "!nothing", "what?", "two\nlines"):
        assert answering.choose(Question(1, 2, 3, "ann", text), addressed=False), text


def test_the_hint_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names this very program, and says what to do where there are no rules."""
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "my bin" / "echoless"
    script.parent.mkdir()
    script.touch(mode=0o755)

    monkeypatch.setattr("sys.argv", [str(script)])
    assert f"ECHOLESS_DISCORD__GATEWAY_URL=ws://g \\\n  '{script}' run" in hint(DESCRIPTION)
    assert "There is no config.toml here" in hint(DESCRIPTION)
    (tmp_path / "config.toml").touch()
    assert "There is no config.toml here" not in hint(DESCRIPTION)
    monkeypatch.setenv("PATH", str(script.parent))
    assert program() == "echoless"
    monkeypatch.setattr("sys.argv", ["bot/__main__.py"])
    assert program() == f"{sys.executable} -m bot"
