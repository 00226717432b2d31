"""What several commands share: where the settings are, and which log they name."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from dotenv import dotenv_values

from bot.config import Config, Survey, survey
from bot.config.load import DEFAULT_FILE
from bot.config.model import TOKEN_VARIABLE
from bot.errors import ConfigError
from bot.eventlog.log import Location

DOTENV = ".env"
"""The file of variables beside the settings file."""

config_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The settings file.  [default: config.toml, where there is one]",
)
folder_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--log",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The log's folder.  [default: the settings' log.path]",
)


def settings(config_path: Path | None, folder: Path | None = None) -> Config:
    """Return the settings: flags over the environment over the file ``.env`` over the settings file."""
    found = surveyed(config_path, folder)
    if found.problems:
        raise ConfigError(*found.problems)
    return found.config


def surveyed(config_path: Path | None, folder: Path | None = None) -> Survey:
    """Return the settings as :func:`settings` does, and what is wrong with them instead of an error."""
    problem = read_dotenv(dotenv_of(config_path))
    found = survey(config_path, os.environ, {"log.path": folder})
    return replace(found, problems=(problem, *found.problems)) if problem else found


def dotenv_of(config_path: Path | None) -> Path:
    """Return the file of variables that goes with a settings file, whether it is there or not."""
    return (config_path or DEFAULT_FILE).parent / DOTENV


def exposed_dotenv(config_path: Path | None) -> Path | None:
    """Return the file of variables where others than its owner may read it."""
    path = dotenv_of(config_path)
    return path if path.is_file() and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH) else None


def read_dotenv(path: Path) -> str:
    """Put what the file ``path`` says into the environment where nothing there says otherwise; without one, do nothing.

    So the token reaches whatever reads the environment, models' libraries included. Returns what is wrong with the
    file, "" where nothing is.
    """
    if not path.is_file():
        return ""
    try:
        found = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError):
        return f"{path} can't be read: it has to be a text of NAME=value lines."
    # A name without a value may be a token alone on its line, so it is not repeated.
    if None in found.values():
        return f"{path}: a line is no NAME=value, such as {TOKEN_VARIABLE}=the bot's token."
    for name, value in found.items():
        os.environ.setdefault(name, value or "")
    return ""


def log_location(config: Config) -> Location:
    """Return where the settings put the log and what opens it."""
    key = config.vault_key(os.environ)
    return Location(config.log.path, key=key.get_secret_value() if key else None, key_file=config.log.vault_key_file)


def program() -> str:
    """Return how this program is called from another terminal, whatever folder that is in."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m bot"
    found = shutil.which(called.name)
    if found is not None and called.exists() and Path(found).samefile(called):
        return called.name
    return shlex.quote(str(called.absolute()))
