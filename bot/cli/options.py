"""What several commands share: where the settings are, and which log they name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bot.config import Config, load
from bot.eventlog.log import Location

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
    """Return the settings: flags over environment over the file."""
    return load(config_path, os.environ, {"log.path": folder})


def log_location(config: Config) -> Location:
    """Return where the settings put the log and what opens it."""
    key = config.vault_key(os.environ)
    return Location(config.log.path, key=key.get_secret_value() if key else None, key_file=config.log.vault_key_file)
