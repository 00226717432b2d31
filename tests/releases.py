"""The code of releases before this one, out of the repository's history."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


class NoHistory(Exception):
    """The history of the repository is not there, as in a copy of its files or in a shallow clone."""


def last_of(release: str) -> str:
    """Return the last commit that called itself ``release``; raise NoHistory."""
    changes = _git("log", "--format=%H", "-S", f'__version__ = "{release}"', "--", "bot/__init__.py").split()
    # The newest change of that line took the release's name away. Without one it is still in progress.
    if len(changes) < 2:
        raise NoHistory(f"the history of {release} is not here")
    return _git("rev-parse", f"{changes[0]}^").strip()


def check_out(ref: str, folder: Path) -> None:
    """Put the files of a commit into a new folder; raise NoHistory."""
    folder.mkdir(parents=True)
    archive = folder.with_name(f"{folder.name}.tar")
    _git("archive", "--output", str(archive), ref)
    shutil.unpack_archive(archive, folder, filter="data")
    archive.unlink()


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(("git", "-C", ROOT, *arguments), check=True, capture_output=True, text=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoHistory(f"git {arguments[0]} fails here") from error
    return done.stdout
