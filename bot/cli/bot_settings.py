"""The settings of a bot that will answer. Problems of its rules are reported together with those of the settings."""

from __future__ import annotations

from pathlib import Path

from bot.app.responders import rules_of
from bot.cli.options import surveyed
from bot.config import Config
from bot.errors import ConfigError


def bot_settings(config_path: Path | None, folder: Path | None) -> Config:
    """Return the settings; raise ConfigError, which names all problems of the settings and of the rules."""
    found = surveyed(config_path, folder)
    if found.problems:
        raise ConfigError(*found.problems, *problems_of_rules(found.config))
    return found.config


def problems_of_rules(config: Config) -> tuple[str, ...]:
    """Return a sentence for each rule, and each file of facts, that is wrong."""
    if "rules" not in config.replies.responder:
        return ()
    try:
        rules_of(config)
    except ConfigError as error:
        return error.problems
    return ()
