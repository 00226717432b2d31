"""The settings of the responder ``http``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bot.errors import ConfigError
from bot.own_tables import read
from bot.signed_post import Recipient, lasting

NAME = "http"
_COUNT = "a whole number from 1 to 100"
_SILENCE = 'a duration such as "30s", up to "10m"'


class HttpSettings(Recipient):
    """The table ``[responders.http]``.

    ``begin``: seconds until an answer begins, ``between``: between two signs of life, ``total``: for all of it.
    ``request_bytes``: the oldest messages are left out of a question that would be longer.
    """

    KIND: ClassVar = "responders"

    format: Literal["echoless", "rasa"] = Field("echoless", description='"echoless" or "rasa"')
    begin: Annotated[float, lasting(timedelta(minutes=10))] = Field(30.0, description=_SILENCE)
    between: Annotated[float, lasting(timedelta(minutes=10))] = Field(20.0, description=_SILENCE)
    total: Annotated[float, lasting(timedelta(hours=1))] = Field(
        120.0, description='a duration such as "2m", up to "1h"'
    )
    concurrency: Annotated[int, Field(strict=True, ge=1, le=100)] = Field(8, description=_COUNT)
    request_bytes: Annotated[int, Field(strict=True, ge=2000, le=2**24)] = Field(
        64_000, description="a whole number from 2000 to 16777216"
    )


def settings_of(table: Mapping[str, object], folder: Path, environ: Mapping[str, str]) -> tuple[HttpSettings, bytes]:
    """Return the settings of a table, and the secret to sign with, which Rasa needs none of; raise ConfigError."""
    if not table:
        raise ConfigError(
            'replies.responder names "http", and there is no table [responders.http]: write one with the url of '
            "your answerer, and the secret to sign with as secret_env (docs/howto/http-answerer.md)."
        )
    found = read(HttpSettings, NAME, table, folder)
    return found, found.key(NAME, environ, "the answerer's secret", needed=found.format == "echoless")
