"""What is built for others: the same bytes each time, with types that a strict checker takes from them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.test_packaging import ROOT, run

pytestmark = [pytest.mark.long, pytest.mark.packaging, pytest.mark.timeout(550)]

PARTS = ("bot", "docs", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "pyproject.toml")
PYTHON = sys.executable
EPOCH = "1800000000"
PROGRAM = """
from typing import Self

import discord

import bot
from bot import Event, Fold, Log, attach


class Gained(Event):
    TYPE = "level.gained"

    points: int


class Levels(Fold):
    NAME = "levels"
    EVENTS = (Gained,)

    points: int = 0

    def apply(self, event: Event) -> Self:
        match event:
            case Gained(points=points):
                return self.model_copy(update={"points": self.points + points})
        return self


class Client(discord.Client):
    log: Log

    async def setup_hook(self) -> None:
        self.log = await attach(self, folder="log", events=(Gained,))

    async def on_message(self, message: discord.Message) -> None:
        placed = await self.log.append(f"user:{message.author.id}", Gained(points=1), key=str(message.id))
        state, version = await self.log.fold_at(f"user:{message.author.id}", Levels)
        reveal_type(state.points)
        reveal_type(placed.new)
        reveal_type(await self.log.fold("a", Levels))
        print(bot.__version__, version)
        await self.log.append("a", "no event")
        Gained(points="x")
"""
TOLD = [
    'note: Revealed type is "int"',
    'note: Revealed type is "bool"',
    'note: Revealed type is "program.Levels"',
    'error: Argument 2 to "append" of "Log" has incompatible type "str"; expected "Event"  [arg-type]',
    'error: Argument "points" to "Gained" has incompatible type "str"; expected "int"  [arg-type]',
]
"""What a checker knows of the program, and the two things that are wrong with it."""


@dataclass(frozen=True, slots=True)
class Built:
    """A wheel and a source distribution."""

    wheel: Path
    sdist: Path

    def digests(self) -> list[str]:
        """Return the SHA-256 of both."""
        return [hashlib.sha256(file.read_bytes()).hexdigest() for file in (self.wheel, self.sdist)]


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the build's backend; skip where no package index can be reached."""
    target = tmp_path_factory.mktemp("backend")
    run(PYTHON, "-m", "pip", "install", "-q", "--target", target, "hatchling", cwd=target)
    return target


def build(backend: Path, folder: Path, moment: int) -> Built:
    """Build a copy of the source whose files are as old as ``moment`` and have other permissions than here."""
    source, made = folder / "src", folder / "dist"
    source.mkdir(parents=True)
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    for path in source.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (moment, moment))
    code = f"""
import os, sys
os.environ["SOURCE_DATE_EPOCH"] = "{EPOCH}"
sys.path.insert(0, {str(backend)!r})
from hatchling.build import build_sdist, build_wheel
print(build_wheel({str(made)!r}))
print(build_sdist({str(made)!r}))
"""
    wheel, sdist = run(PYTHON, "-c", code, cwd=source).split()[-2:]
    return Built(made / wheel, made / sdist)


@pytest.fixture(scope="module")
def built(backend: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Return what was built once."""
    return build(backend, tmp_path_factory.mktemp("built"), 1_700_000_000)


def test_a_build_is_the_same_each_time(built: Built, backend: Path, tmp_path: Path) -> None:
    """Wherever and whenever it is made, byte for byte; the types and all migrations come along."""
    again = build(backend, tmp_path / "elsewhere", 1_750_000_000)
    with zipfile.ZipFile(built.wheel) as wheel:
        there = set(wheel.namelist())
    with tarfile.open(built.sdist) as sdist:
        sources = {name.partition("/")[2] for name in sdist.getnames()}

    assert built.digests() == again.digests()
    assert {"bot/py.typed", "bot/eventlog/migrations/0001_log.sql"} <= there & sources
    assert not [name for name in there if name.startswith("tests")]


def test_a_strict_checker_takes_the_types_of_the_package(built: Built, tmp_path: Path) -> None:
    """Of what is installed, and not of this folder: it knows what comes back, and finds what is wrong."""
    program, venv = tmp_path / "program.py", tmp_path / "venv"
    program.write_text(PROGRAM)
    run(PYTHON, "-m", "venv", "--without-pip", venv, cwd=tmp_path)
    (site,) = venv.glob("lib/*/site-packages")
    shutil.unpack_archive(built.wheel, site, "zip")
    # What the package depends on is here already.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    options = ("--strict", "--no-error-summary", "--python-executable", venv / "bin" / "python")
    checked = subprocess.run(
        (PYTHON, "-m", "mypy", *options, program),
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = [line.partition(": ")[2] for line in checked.stdout.splitlines() if "defined in" not in line]

    assert (told, checked.stderr) == (TOLD, "")
