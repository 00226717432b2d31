"""Files that only their owner can read, and that appear complete or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

_SHOWN_OF_NAME = 40


@contextmanager
def private_file(path: Path, *, replace: bool) -> Iterator[TextIO]:
    """Open a text file (mode 0600) that gets its name when the block ends without an error.

    Until then it has a name beside it that nobody can foresee. No symlink is followed: with ``replace`` the file takes
    the place of one at ``path``. Raises FileExistsError if something is there that may not be replaced.
    """
    # Opened with O_EXCL, O_NOFOLLOW and mode 0600.
    handle, name = tempfile.mkstemp(".part", f".{path.name[:_SHOWN_OF_NAME]}.", path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
        give_name(draft, path, replace=replace)
    finally:
        draft.unlink(missing_ok=True)


def give_name(draft: Path, path: Path, *, replace: bool) -> None:
    """Rename a whole file to ``path``; raise FileExistsError if something is there that may not be replaced."""
    (_replace if replace else _add)(draft, path)


def appending(path: Path) -> IO[bytes]:
    """Open a file to write at its end, and make it if it is not there; raise OSError for a symlink."""
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, 0o600))


def _replace(draft: Path, path: Path) -> None:
    # What is neither a file nor a symlink may be a device or a pipe that others use.
    if os.path.lexists(path) and not (path.is_symlink() or path.is_file()):
        raise FileExistsError(errno.EEXIST, "it is no file", os.fspath(path))
    draft.replace(path)


def _add(draft: Path, path: Path) -> None:
    """Give the file its name unless something has it, also something that appeared a moment ago."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:
        # Some disks have no links. There, only this look protects what has the name.
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(path)) from None
        draft.replace(path)
