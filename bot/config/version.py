"""A hash of the settings that an answer depends on. It is recorded, so that ``why`` can tell which settings held."""

from __future__ import annotations

import json
from hashlib import sha256

from bot.config.model import Config, RuleSettings

_LENGTH = 12
_OF_THE_MODEL = {
    "model",
    "fallbacks",
    "models",
    "base_url",
    "persona",
    "context_tokens",
    "max_tokens",
    "temperature",
    "summary",
    "images",
    "attachments_bytes",
    "image_side",
    "image_bytes",
    "image_formats",
}


def answering_version(config: Config) -> str:
    """Return a hash of the responders, the rules with their facts, the model, and what they are given to read.

    A file of facts that can't be read counts as empty here. Reading the rules raises the error.
    """
    digest = sha256()
    responders = config.replies.responder
    settings: dict[str, object] = {
        "responder": responders[0] if len(responders) == 1 else responders,
        "window": config.replies.window,
        "together": config.limits.together.total_seconds(),
        "rules": [rule.model_dump(mode="json", exclude={"line", "facts"}) for rule in config.rules],
    }
    if config.replies.history != "window":
        settings["history"] = config.replies.history
    if config.replies.names:
        settings["names"] = config.replies.names
    if "llm" in responders:
        settings["llm"] = config.llm.model_dump(mode="json", include=_OF_THE_MODEL)
        if config.llm.tools.allow:
            settings["tools"] = config.llm.tools.model_dump(mode="json")
    if of_others := {name: config.responders[name] for name in responders if name in config.responders}:
        settings["responders"] = of_others
    digest.update(json.dumps(settings, sort_keys=True, default=str).encode())
    for rule in config.rules:
        digest.update(sha256(_facts(rule)).digest())
    return digest.hexdigest()[:_LENGTH]


def _facts(rule: RuleSettings) -> bytes:
    try:
        return b"" if rule.facts is None else rule.facts.read_bytes()
    except OSError:
        return b""
