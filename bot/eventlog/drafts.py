"""A file of a whole log or a part of it, which is written beside its name and gets it once it is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.errors import LogUnwritable
from bot.eventlog.database import sync_folder
from bot.private_file import give_name


@contextmanager
def drafting(target: Path, what: str) -> Iterator[Path]:
    """Yield the path of an empty file beside ``target``, readable by its owner alone, which is gone at the end.

    What a process that died has left there is removed. Raises LogUnwritable, which says ``what`` can't be written.
    """
    draft = target.with_name(f"{target.name}.part")
    try:
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        yield draft
    except OSError as error:
        raise LogUnwritable(
            f"The {what} {target} can't be written: {error.strerror}. Check that its folder exists, the permissions "
            "and the space on the disk."
        ) from error
    finally:
        with suppress(OSError):
            for suffix in ("", "-journal", "-wal", "-shm"):
                draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def appear(draft: Path, target: Path, *, replace: bool) -> None:
    """Give a draft its name for good; raise FileExistsError if something is there that may not be replaced."""
    handle = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    give_name(draft, target, replace=replace)
    sync_folder(target.parent)
