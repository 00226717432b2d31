"""A file that a command writes for a person."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click

from bot.private_file import private_file


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[TextIO]:
    """Open a file as :func:`bot.private_file.private_file` does; replace one only with ``force``."""
    if os.path.lexists(path) and not force:
        raise _there(path)
    try:
        with private_file(path, replace=force) as file:
            yield file
    except FileExistsError as error:
        raise _no_file(path) if force else _there(path) from error
    except OSError as error:
        raise click.ClickException(f"{path} can't be written: {error.strerror}. Name another file.") from error


def _there(path: Path) -> click.BadParameter:
    return click.BadParameter(f"{path} is there already: name another file, or add --force.", param_hint="'--output'")


def _no_file(path: Path) -> click.BadParameter:
    return click.BadParameter(
        f"{path} is no file, so nothing takes its place: name another file.", param_hint="'--output'"
    )
