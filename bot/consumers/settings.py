"""What the settings of several consumers have in common."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator

from bot.core.events import Event
from bot.eventlog.codec import event_models

EVENT_TYPES = "a list of types of events, as `echoless log stats` names them"


def _event_type(name: object) -> type[Event]:
    """Return the event of a type; raise ValueError."""
    models = {model.TYPE: model for model in event_models()}
    if not isinstance(name, str) or name not in models:
        raise ValueError(EVENT_TYPES)
    return models[name]


EventTypes: TypeAlias = tuple[Annotated[type[Event], BeforeValidator(_event_type)], ...]
