"""What stands in the blocks of the documents works: commands are run, settings loaded, the service's unit verified."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.app.responders import responders_of
from bot.cli.starter import starter_files
from bot.config import load
from bot.sandbox.server import Sandbox
from tests.waiting import eventually

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted({ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("CONTRIBUTING.md")})
ELSEWHERE = {"git", "sudo", "docker", "journalctl", "ollama", "python3", ".venv/bin/pip"}
"""Commands that change more than this folder, or need what no test machine has."""
SERVING = {"run": "gateway.ready", "sandbox": "Serving until Ctrl-C"}
"""Commands that go on until Ctrl-C, and what they say once they are at work."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a document."""

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    def commands(self) -> list[str]:
        """Return what stands behind the prompts, continued lines joined."""
        joined = self.text.replace("\\\n", " ")
        return [line.removeprefix("$ ") for line in joined.splitlines() if line.startswith("$ ")]


def blocks(language: str) -> list[Block]:
    """Return the blocks of a language in all documents."""
    return [block for document in DOCUMENTS for block in _blocks(document) if block.language == language]


def _blocks(document: Path) -> Iterator[Block]:
    text = document.read_text(encoding="utf-8")
    for found in re.finditer(r"(?ms)^(?P<indent> *)```(?P<language>\w+)\n(?P<body>.*?)^ *```$", text):
        body = re.sub(rf"(?m)^{found['indent']}", "", found["body"])
        line = text.count("\n", 0, found.start()) + 1
        yield Block(document.name, line, found["language"], body)


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_settings_are_valid(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone in a file, with the facts that ``init`` writes beside it."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    path = tmp_path / "config.toml"
    path.write_text(block.text, encoding="utf-8")
    (tmp_path / "factoids.json").write_text(starter_files()["factoids.json"], encoding="utf-8")

    assert responders_of(load(path, {})).first.name


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not at hand")
def test_the_service_is_understood_and_hardened(tmp_path: Path) -> None:
    """By systemd itself, with programs that are there."""
    [block] = blocks("ini")
    unit = tmp_path / "echoless.service"
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", block.text), encoding="utf-8")

    def systemd(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["systemd-analyze", *arguments, str(unit)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    verified, judged = systemd("verify"), systemd("security", "--offline=true", "--threshold=20")

    assert verified.stderr == ""
    assert judged.returncode == 0, judged.stdout


def test_make_knows_what_is_made() -> None:
    """Each target stands in the Makefile; the targets themselves are what runs this."""
    targets = {
        word
        for block in blocks("console")
        for command in block.commands()
        if command.startswith("make ")
        for word in command.split()[1:]
        if "=" not in word
    }
    phony = re.findall(r"(?m)^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"))[0].split()

    assert {"demo", "test"} <= targets <= set(phony)


@pytest.mark.long
async def test_commands_can_be_typed_in_their_order(sandbox: Sandbox, tmp_path: Path) -> None:
    """From the README to a restored backup, in one folder, against a Discord on loopback."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    addresses = sandbox.services.addresses
    environment = {
        **os.environ,
        "DISCORD_TOKEN": sandbox.services.application.token,
        "ECHOLESS_DISCORD__API_URL": addresses.api,
        "ECHOLESS_DISCORD__GATEWAY_URL": addresses.gateway,
        "ECHOLESS_TELEMETRY__PORT": "0",
    }
    typed = [
        command
        for document in ("README.md", "operating.md")
        for block in blocks("console")
        if block.document == document
        for command in block.commands()
        if command.split()[0] not in {*ELSEWHERE, "make"}
    ]
    for command in typed:
        await _type(command, tmp_path, environment)

    assert (tmp_path / "backup" / "log.db").read_bytes()
    assert list((tmp_path / "mybot" / "data").glob("replaced-*/events.db"))
    assert len(typed) > 10


async def _type(command: str, folder: Path, environment: dict[str, str]) -> None:
    """Run a command as a shell would; one that serves is stopped by Ctrl-C once it is at work."""
    output = folder / "output"
    with output.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", command, start_new_session=True,
            cwd=folder, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=sink, stderr=sink,
        )  # fmt: skip
    serving = _serves(command)
    try:
        if serving:
            await eventually(lambda: serving in output.read_text() or process.returncode is not None)
            assert process.returncode is None, f"{command}: {output.read_text()}"
            os.killpg(process.pid, signal.SIGINT)
        code = await process.wait()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert code in ((0, 130) if serving else (0,)), f"{command}: {output.read_text()}"


def _serves(command: str) -> str:
    """Return what a command that goes on until Ctrl-C says first, "" for one that ends by itself."""
    words = shlex.split(command)
    return next((said for name, said in SERVING.items() if name in words and words[0] != "make"), "")
