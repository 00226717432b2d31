"""The distribution and the image: what is installed works away from the source tree.

No engine is needed: the steps of the Dockerfile that install are run in a virtual environment of their own.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from string import Template

import pytest

from bot import __version__
from bot.telemetry import Health, Metrics, serve
from tests.ports import free_port

ROOT = Path(__file__).parents[1]
WELL = Health("connected", "writable", 0)
OFFLINE = re.compile("name resolution|Network is unreachable|Connection refused|Max retries exceeded")


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile as keywords and arguments, continued lines joined."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(keyword, rest.strip()) for keyword, _, rest in (line.partition(" ") for line in joined if line)]


def build_stage() -> list[tuple[str, str]]:
    """Return the instructions of the first stage."""
    stages = [number for number, (keyword, _) in enumerate(instructions()) if keyword == "FROM"]
    return instructions()[: stages[1]]


def copy_context(target: Path) -> None:
    """Do what the first stage's COPY instructions do."""
    for keyword, rest in build_stage():
        if keyword == "COPY":
            *sources, into = shlex.split(rest)
            for source in sources:
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, target / into, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / source, target / into)


def run(*command: str | Path, cwd: Path) -> str:
    """Run ``command`` and return what it prints; without a network, skip."""
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    ran = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    if ran.returncode and OFFLINE.search(ran.stderr):
        pytest.skip("no package index can be reached from here")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.long
@pytest.mark.packaging
@pytest.mark.timeout(550)
def test_what_the_image_installs_works_on_its_own(tmp_path: Path) -> None:
    """The command runs, the log finds its migrations, init its files, versions are pinned, nothing else came along."""
    source, away, venv = tmp_path / "src", tmp_path / "away", tmp_path / "venv"
    source.mkdir()
    away.mkdir()
    copy_context(source)
    given = dict(rest.split("=", 1) for keyword, rest in build_stage() if keyword == "ARG")
    for keyword, step in build_stage():
        if keyword == "RUN":
            shown = Template(step).safe_substitute(given).replace("/opt/echoless", str(venv))
            program, *arguments = shlex.split(shown)
            run(sys.executable if program == "python" else program, *arguments, cwd=source)

    shipped = json.loads(
        run(
            venv / "bin" / "python",
            "-c",
            "import bot.eventlog, json, pathlib; root = pathlib.Path(bot.eventlog.__file__).parents[1];"
            "print(json.dumps([str(root), *(path.relative_to(root).as_posix() for path in root.rglob('*.*')"
            " if path.suffix in ('.sql', '.toml', '.json', '.html', '.css', '.js', '.svg'))]))",
            cwd=away,
        )
    )
    pip = (sys.executable, "-m", "pip", "--python", venv / "bin" / "python")
    frozen = set(run(*pip, "freeze", "--exclude", "echoless", cwd=away).lower().split())

    assert run(venv / "bin" / "echoless", "--version", cwd=away) == f"echoless {__version__}\n"
    assert Path(shipped[0]).is_relative_to(venv)
    suffixes = ("sql", "toml", "json", "html", "css", "js", "svg")
    wanted = [path for suffix in suffixes for path in ROOT.glob(f"bot/**/*.{suffix}")]
    assert sorted(shipped[1:]) == sorted(path.relative_to(ROOT / "bot").as_posix() for path in wanted)
    assert {"cli/starter/config.example.toml", "eventlog/migrations/0001_log.sql"} <= set(shipped)
    assert "No broken requirements" in run(*pip, "check", cwd=away)
    assert not list(venv.glob("lib/*/site-packages/pip"))
    assert frozen
    assert run(venv / "bin" / "python", "-c", "import discord; print(discord.utils.HAS_ORJSON)", cwd=away) == "True\n"
    assert {name.replace(".", "-").replace("_", "-") for name in map(str, frozen)} <= pinned()
    assert not list(venv.glob("lib/*/site-packages/tests"))


def pinned() -> set[str]:
    """Return constraints.txt's pins, spelled alike."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return {line.replace(".", "-").replace("_", "-") for line in lines if "==" in line}


def test_constraints_are_plain_pins() -> None:
    """No index, no hash, no path: the file works against anybody's package index."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.lstrip().startswith("#")]

    assert pins
    assert [] == [line for line in pins if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)]
    assert [] == [line for line in lines if "://" in line or "/" in line.removeprefix("    # via ")]
    assert "audioop-lts" in {line.partition("==")[0] for line in pins}, (
        "needed on Python 3.13, where make lock may not run"
    )


def test_the_image_runs_as_nobody_and_keeps_its_data() -> None:
    """Of the second stage: who, where, and what is started."""
    image = dict(instructions()[len(build_stage()) :])

    assert image["USER"] == "echoless"
    assert image["VOLUME"] == "/data"
    assert Path(image["WORKDIR"]) / "data" == Path("/data")
    assert json.loads(image["ENTRYPOINT"]) + json.loads(image["CMD"]) == ["echoless", "run"]


def test_the_image_s_context_holds_what_it_copies() -> None:
    """.dockerignore lets through exactly that."""
    copied = {name for keyword, rest in build_stage() if keyword == "COPY" for name in shlex.split(rest)[:-1]}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.parametrize(
    ("health", "code"),
    [
        pytest.param(WELL, 0, id="well"),
        pytest.param(Health("lost", "writable", 0, ("the gateway is gone",)), 1, id="ill"),
        pytest.param(None, 1, id="nobody there"),
    ],
)
async def test_the_image_s_health_check_asks_healthz(health: Health | None, code: int) -> None:
    """The command itself, against the server itself."""
    _, _, command = dict(instructions())["HEALTHCHECK"].partition("CMD ")
    _, *arguments = json.loads(command)
    port = free_port()

    # Port 0 serves nothing: nobody is there to be asked.
    async with serve("127.0.0.1", port if health else 0, health=lambda: health or WELL, metrics=Metrics()):
        asking = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            env={**os.environ, "ECHOLESS_TELEMETRY__PORT": str(port)},
            stderr=asyncio.subprocess.DEVNULL,
        )
        answered = await asking.wait()

    assert code == answered
