"""The commit that was measured, and whether what was measured differs from it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

MEASURED = ("bot", "benchmarks", "pyproject.toml", "constraints.txt", ":!benchmarks/results")
"""What the figures depend on. The results of an earlier run do not make a tree unclean."""

UNKNOWN = "unknown"
_LETTERS = 10


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit's id; ``clean``: the files that are measured are those of the commit."""

    commit: str
    clean: bool

    def __str__(self) -> str:
        """Return the commit, with a word where it is not what was measured."""
        return self.commit if self.clean else f"{self.commit}, unclean tree"


def revision(root: Path) -> Revision:
    """Return the revision of the repository at ``root``; one of no repository is unknown and unclean."""
    try:
        commit = _git(root, "rev-parse", f"--short={_LETTERS}", "HEAD").strip()
        changes = _git(root, "status", "--porcelain", "--", *MEASURED)
    except (OSError, subprocess.CalledProcessError):
        return Revision(UNKNOWN, clean=False)
    return Revision(commit, clean=not changes.strip())


def _git(root: Path, *arguments: str) -> str:
    ran = subprocess.run(  # noqa: S603 - our own arguments
        ["git", *arguments],  # noqa: S607 - whichever git is in use
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return ran.stdout
