"""Secrets that settings point to: in a variable of the environment, or in a file, and never in the settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot.errors import ConfigError


def secret_of(variable: str, file: Path | None, environ: Mapping[str, str], kind: str, whose: str) -> str:
    """Return the secret in ``variable``, or else in ``file``; "" if neither is named.

    ``kind`` ("key") and ``whose`` ("the provider's key") are the words for it. Raises ConfigError if there is none, or
    if it is not one plain word.
    """
    if variable:
        source, secret = f"the environment variable {variable}", environ.get(variable, "").strip()
    elif file is not None:
        source = str(file)
        try:
            secret = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"The {kind} file {source} can't be read: put {whose} there.") from error
    else:
        return ""
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise ConfigError(f"There is no {kind} in {source}: put {whose} there, one plain word.")
    return secret
