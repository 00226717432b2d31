"""The settings of the consumer ``kafka``. They need no package that is optional."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, StrictBool

from bot.consumers.consumer import Consumer
from bot.consumers.settings import EVENT_TYPES, EventTypes, Settings, read
from bot.errors import ConfigError
from bot.secret import secret_of

_PEM = "the path of a file in PEM form"
_TOPIC = r"^[a-zA-Z0-9._-]{1,200}$"

StrictText = Annotated[str, Field(strict=True)]


class KafkaSettings(Settings):
    """The table ``[consumers.kafka]``."""

    bootstrap: Annotated[StrictText, Field(min_length=1)] = Field(
        description='one or more of its addresses, such as "kafka1:9092,kafka2:9092"'
    )
    topic: Annotated[StrictText, Field(pattern=_TOPIC)] = Field(description="the name of a topic")
    transactional_id: StrictText = Field("", description="a text")
    partitions: Annotated[int, Field(strict=True, ge=1, le=10_000)] = Field(6, description="a whole number from 1 on")
    tls: StrictBool = Field(default=False, description="true or false")
    ca_file: Path | None = Field(None, description=_PEM)
    cert_file: Path | None = Field(None, description=_PEM)
    key_file: Path | None = Field(None, description=_PEM)
    sasl: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "", description='"PLAIN", "SCRAM-SHA-256" or "SCRAM-SHA-512"'
    )
    username: StrictText = Field("", description="a text")
    password_env: str = Field("", pattern=r"^\w*$", description="the name of an environment variable with the password")
    password_file: Path | None = Field(None, description="the path of a file that holds the password")
    types: EventTypes = Field((), description=EVENT_TYPES)
    words: StrictBool = Field(default=False, description="true or false")


class Place(NamedTuple):
    """Where events go, and how to get there; ``partitions`` are those of a topic that has to be made."""

    bootstrap: str
    topic: str
    partitions: int = 6
    tls: ssl.SSLContext | None = None
    sasl: str = ""
    username: str = ""
    password: str = ""

    @property
    def marks(self) -> str:
        """Return the name of the topic that says what is there."""
        return f"{self.topic}.checkpoints"

    @property
    def options(self) -> dict[str, Any]:
        """Return what every client of aiokafka is made with."""
        protocol = ("SASL_" if self.sasl else "") + ("SSL" if self.tls else "PLAINTEXT")
        options = {"bootstrap_servers": self.bootstrap, "security_protocol": protocol, "ssl_context": self.tls}
        if not self.sasl:
            return options
        named = {"sasl_plain_username": self.username, "sasl_plain_password": self.password}
        return options | named | {"sasl_mechanism": self.sasl}


def kafka(name: str, settings: Mapping[str, object], folder: Path) -> Consumer:
    """Return the consumer of its settings; raise ConfigError."""
    found = read(KafkaSettings, name, settings, folder)
    password = secret_of(found.password_env, found.password_file, os.environ, "password", "Kafka's password")
    if found.sasl and not (found.username and password):
        raise ConfigError(
            f"[consumers.{name}] names no username and password for sasl: set username, and name the environment "
            "variable that holds the password as password_env, or a file as password_file."
        )
    place = Place(
        found.bootstrap, found.topic, found.partitions, _tls(name, found), found.sasl, found.username, password
    )
    try:
        module = import_module("bot.consumers.kafka.topic")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"The consumer kafka needs a package that is not installed ({error.name}): pip install 'echoless[kafka]'."
        ) from error
    made: Consumer = module.KafkaTopic(place, found.transactional_id, types=found.types, words=found.words)
    return made


def _tls(name: str, found: KafkaSettings) -> ssl.SSLContext | None:
    """Return how to speak TLS, None without it; raise ConfigError."""
    if not found.tls:
        if found.ca_file or found.cert_file or found.key_file:
            raise ConfigError(
                f"[consumers.{name}] names a file for TLS without tls = true: set it, or remove the file."
            )
        return None
    try:
        context = ssl.create_default_context(cafile=found.ca_file)
        if found.cert_file:
            context.load_cert_chain(found.cert_file, found.key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"A file of [consumers.{name}] can't be used for TLS ({type(error).__name__}): check ca_file, cert_file "
            "and key_file, which hold PEM."
        ) from error
    return context
