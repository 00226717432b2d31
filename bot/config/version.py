"""A short name for the settings that an answer depends on, for whoever asks later why it was given."""

from __future__ import annotations

import json
from hashlib import sha256

from bot.config.model import Config, Rule

_LENGTH = 12


def answering_version(config: Config) -> str:
    """Return a hash of the responder, its rules with their facts, and what it is given to read.

    A file of facts that can't be read counts as empty here: whoever reads the facts themselves refuses it.
    """
    digest = sha256()
    settings = {
        "responder": config.replies.responder,
        "window": config.replies.window,
        "together": config.limits.together.total_seconds(),
        "rules": [rule.model_dump(mode="json", exclude={"line", "facts"}) for rule in config.rules],
    }
    digest.update(json.dumps(settings, sort_keys=True).encode())
    for rule in config.rules:
        digest.update(sha256(_facts(rule)).digest())
    return digest.hexdigest()[:_LENGTH]


def _facts(rule: Rule) -> bytes:
    try:
        return b"" if rule.facts is None else rule.facts.read_bytes()
    except OSError:
        return b""
