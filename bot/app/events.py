"""The feed of events over HTTP, as the settings have it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from bot.config import Config
from bot.errors import ConfigError
from bot.eventlog.location import Location
from bot.secret import secret_of
from bot.telemetry.events import EventFeed

TOKEN_VARIABLE = "ECHOLESS_EVENTS_TOKEN"  # noqa: S105 - the name of the variable, not its value
SHORTEST = 20


def feed_of(config: Config, location: Location, environ: Mapping[str, str] = os.environ) -> EventFeed | None:
    """Return the feed of a log's events, None where it is off; raise ConfigError where nobody could be let in."""
    telemetry = config.telemetry
    if not telemetry.events:
        return None
    file = telemetry.events_token_file
    variable = TOKEN_VARIABLE if file is None or environ.get(TOKEN_VARIABLE, "").strip() else ""
    token = secret_of(variable, file, environ, "token", "a token for /events (openssl rand -hex 32)")
    if len(token) < SHORTEST:
        raise ConfigError(f"The token for /events has under {SHORTEST} characters: make one with openssl rand -hex 32.")
    return EventFeed(location, token, words=telemetry.events_words)
