"""Options that several commands share: the settings file and the log's folder."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.exceptions import Exit
from dotenv import dotenv_values

from bot.cli.partitions import chosen
from bot.config import Config, Survey, survey
from bot.config.load import DEFAULT_FILE
from bot.config.model import TOKEN_VARIABLE
from bot.errors import ConfigError, KeyMismatch
from bot.eventlog.key_file import has_key, read_key
from bot.eventlog.location import Location

Command = Callable[..., Any]

_PARTITION = "bot.cli.options.partition"
"""The name of the partition among what a context of click holds."""
DOTENV = ".env"
"""The file of variables beside the settings file."""

config_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The settings file.  [default: config.toml, where there is one]",
)
log_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--log",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The log's folder.  [default: the settings' log.path]",
)


def folder_option(command: Command) -> Command:
    """Give a command ``--log`` and ``--partition``, and call it for each partition that it is about."""
    return _of_partitions(command, several=True)


def one_folder_option(command: Command) -> Command:
    """Give a command that is about one partition ``--log`` and ``--partition``."""
    return _of_partitions(command, several=False)


def _of_partitions(command: Command, *, several: bool) -> Command:
    @functools.wraps(command)
    def wrapped(*, partition: int | None, **given: Any) -> None:  # noqa: ANN401 - the command's
        context, code = click.get_current_context(), 0
        before = context.parent.params if context.parent else {}
        found = surveyed(*(given.get(name) or before.get(name) for name in ("config_path", "folder"))).config
        locations = [log_location(found.of_partition(number)) for number in range(found.shards.partitions)]
        partition = context.meta.get(_PARTITION, partition) if partition is None else partition
        if context.invoked_subcommand is not None:
            # What a command is about is asked when it is called itself.
            context.meta[_PARTITION] = partition
            command(**given)
            return
        numbers = chosen(locations, given, partition, several=several)
        for number in numbers:
            context.meta[_PARTITION] = number
            if len(numbers) > 1:
                click.echo(f"Partition {number}:", err=True)
            try:
                command(**given)
            except Exit as ended:
                code = max(code, ended.exit_code)
        if code:
            context.exit(code)

    log_option(wrapped)
    click.option("--partition", type=click.IntRange(0), help="Only this partition of a log with several.")(wrapped)
    return wrapped


def settings(config_path: Path | None, folder: Path | None = None) -> Config:
    """Return the settings: flags over the environment over the file ``.env`` over the settings file.

    Within a command of :func:`folder_option` they are those of a partition.
    """
    found = surveyed(config_path, folder)
    if found.problems:
        raise ConfigError(*found.problems)
    context = click.get_current_context(silent=True)
    partition = context.meta.get(_PARTITION) if context else None
    return found.config if partition is None else found.config.of_partition(partition)


def surveyed(config_path: Path | None, folder: Path | None = None) -> Survey:
    """Return the settings as :func:`settings` does, with their problems instead of an error."""
    problem = read_dotenv(dotenv_of(config_path))
    found = survey(config_path, os.environ, {"log.path": folder})
    return replace(found, problems=(problem, *found.problems)) if problem else found


def dotenv_of(config_path: Path | None) -> Path:
    """Return the path of the file of variables beside a settings file; the file may be missing."""
    return (config_path or DEFAULT_FILE).parent / DOTENV


def exposed_dotenv(config_path: Path | None) -> Path | None:
    """Return the file of variables if others than its owner may read it, otherwise None."""
    path = dotenv_of(config_path)
    return path if path.is_file() and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH) else None


def read_dotenv(path: Path) -> str:
    """Add the variables in the file ``path`` to the environment, unless they are set there; a missing file is ignored.

    So everything that reads the environment finds them, libraries of models too. Returns the problem with the file, ""
    if there is none.
    """
    if not path.is_file():
        return ""
    try:
        found = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError):
        return f"{path} can't be read: it has to be a text of NAME=value lines."
    # A name without a value may be a token alone on its line, so it is not quoted.
    if None in found.values():
        return f"{path}: a line is no NAME=value, such as {TOKEN_VARIABLE}=the bot's token."
    for name, value in found.items():
        os.environ.setdefault(name, value or "")
    return ""


def log_location(config: Config) -> Location:
    """Return the log's folder and key from the settings."""
    key = config.vault_key(os.environ)
    return Location(
        config.log.path,
        key=key.get_secret_value() if key else None,
        key_file=config.log.vault_key_file,
        partition=config.partition or 0,
        partitions=1 if config.partition is None else config.shards.partitions,
    )


def masters_of(location: Location) -> list[bytes]:
    """Return the master keys that are at hand, the log's own first; raise KeyMismatch without any.

    The one of before the last rotation opens what was copied before it.
    """
    masters = [location.key if location.key is not None else read_key(location.key_path)]
    for path in filter(has_key, (location.old_key_path, location.next_key_path)):
        with suppress(KeyMismatch):
            masters.append(read_key(path))
    return masters


def program() -> str:
    """Return the command that starts this program from any folder."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m bot"
    found = shutil.which(called.name)
    if found is not None and called.exists() and Path(found).samefile(called):
        return called.name
    return shlex.quote(str(called.absolute()))
