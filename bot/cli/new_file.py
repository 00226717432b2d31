"""A file that appears complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[IO[str]]:
    """Open a file that gets its name when the block ends without an error; replace one only with ``force``."""
    if path.exists() and not force:
        raise click.BadParameter(
            f"{path} is there already: name another file, or add --force.", param_hint="'--output'"
        )
    draft = path.with_name(f"{path.name}.part")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                yield file
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise click.ClickException(f"{path} can't be written: {error.strerror}. Name another file.") from error
