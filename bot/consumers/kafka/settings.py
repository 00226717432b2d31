"""The settings of the consumer ``kafka``. They need no package that is optional."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field, StrictBool

from bot.consumers.consumer import Consumer
from bot.consumers.settings import EVENT_TYPES, EventTypes
from bot.errors import ConfigError
from bot.kafka_access import KafkaAccess, Text
from bot.own_tables import Settings, read

_TOPIC = r"^[a-zA-Z0-9._-]{1,200}$"


class KafkaSettings(Settings, KafkaAccess):
    """The table ``[consumers.kafka]``."""

    bootstrap: Annotated[Text, Field(min_length=1)] = Field(
        description=str(KafkaAccess.model_fields["bootstrap"].description)
    )
    topic: Annotated[Text, Field(pattern=_TOPIC)] = Field(description="the name of a topic")
    transactional_id: Text = Field("", description="a text")
    partitions: Annotated[int, Field(strict=True, ge=1, le=10_000)] = Field(6, description="a whole number from 1 on")
    types: EventTypes = Field((), description=EVENT_TYPES)
    words: StrictBool = Field(default=False, description="true or false")


class Place(NamedTuple):
    """Where events go: ``options`` are what every client is made with, ``partitions`` those of a topic to be made."""

    options: Mapping[str, Any]
    topic: str
    partitions: int = 6

    @property
    def marks(self) -> str:
        """Return the name of the topic that says what is there."""
        return f"{self.topic}.checkpoints"


def kafka(name: str, settings: Mapping[str, object], folder: Path) -> Consumer:
    """Return the consumer of its settings; raise ConfigError."""
    found = read(KafkaSettings, name, settings, folder)
    place = Place(found.options(f"[consumers.{name}]", folder, os.environ), found.topic, found.partitions)
    try:
        module = import_module("bot.consumers.kafka.topic")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"The consumer kafka needs a package that is not installed ({error.name}): pip install 'echoless[kafka]'."
        ) from error
    made: Consumer = module.KafkaTopic(place, found.transactional_id, types=found.types, words=found.words)
    return made
