"""The base of a program's own event types, and the way into the log's envelope and out of it.

Fields are facts: ids, numbers, choices. They are kept for ever, and every tool shows them. What people wrote belongs in
the words beside an event, which are sealed and can be erased.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from bot.core.events import Event as LogEvent
from bot.core.events import OwnRecorded, Recorded, models_below
from bot.errors import OwnEventError

Fields: TypeAlias = dict[str, Any]
"""The JSON of an own event."""

MOST_BYTES = 16_384
"""The most bytes that the JSON of an own event may take: facts are short."""

_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_MOST_TYPE = 64


class Event(BaseModel):
    """Something that happened, in a program's own words. Subclasses set their stored ``TYPE`` and version ``V``.

    ``TYPE`` is lower-case words with dots between them, as ``level.gained``, and stays what it is for ever. Whoever
    changes fields in a way that does not read what is recorded raises ``V`` and writes :meth:`lift`. A class whose
    ``TYPE`` or ``V`` does not fit raises OwnEventError when it is made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    TYPE: ClassVar[str]
    V: ClassVar[int] = 1

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:  # noqa: ANN401 - pydantic's
        if "TYPE" in vars(cls):
            _require_named(cls)

    @classmethod
    def lift(cls, v: int, fields: Fields) -> Fields:
        """Return the fields of version ``v + 1`` that those of version ``v`` become; a class above version 1 has one.

        It may change and return what it is given. It is called for each step up to ``V``.
        """
        raise NotImplementedError(f"{cls.TYPE} has no way from v{v} to v{v + 1} for {len(fields)} fields")

    @classmethod
    def from_log(cls, recorded: Recorded) -> Self | None:
        """Return the event of this type that the log holds, lifted to today's version; None where it is of another.

        Raises OwnEventError, which names type, version and position, where it does not fit this class.
        """
        event = recorded.event
        return opened(cls, recorded) if type(event) is OwnRecorded and event.type == cls.TYPE else None


E = TypeVar("E", bound=Event)


def envelope(event: Event, *, words: bool = False, key_digest: str = "", nth: int = 0) -> OwnRecorded:
    """Return what the log keeps of an event; raise OwnEventError where it would not come back as it is."""
    model, name = type(event), _named(type(event).TYPE, event.V)
    try:
        data = event.model_dump_json(warnings=False).encode()
        if len(data) > MOST_BYTES:
            raise OwnEventError(
                f"{name} takes {len(data):,} bytes, and {MOST_BYTES:,} is the most: keep what people wrote in its "
                "words, and large things elsewhere under a name."
            )
        stored = OwnRecorded(
            type=model.TYPE, v=model.V, data=from_json(data), words=words, key_digest=key_digest, nth=nth
        )
        same = _comes_back(stored) and _comes_back(event)
    except ValidationError as error:
        raise OwnEventError(f"{name} does not fit its class: {_faults(model, error)}. Nothing was appended.") from None
    except (PydanticSerializationError, ValueError, RecursionError):
        stored, same = None, False
    if stored is None or not same:
        raise OwnEventError(
            f"{name} does not come back from JSON as it is, so nothing was appended: use fields that JSON can hold "
            "(no NaN, no half of a character, no deep nesting)."
        )
    return stored


def opened(model: type[E], recorded: Recorded) -> E:
    """Return the event in an envelope as ``model``, lifted to its version; raise OwnEventError if it does not fit."""
    event = recorded.event
    if type(event) is not OwnRecorded:
        raise TypeError
    if event.v > model.V:
        raise OwnEventError(
            f"{_placed(recorded, event)} is newer than {_named(model.TYPE, model.V)}, which this program knows: "
            "use the program that recorded it, or a later one."
        )
    fields = _lifted(model, recorded, event)
    try:
        return model.model_validate_json(to_json(fields))
    except ValidationError as error:
        raise OwnEventError(
            f"{_placed(recorded, event)} does not fit its class: {_faults(model, error)}. "
            "If the class was changed, raise its V and write `lift`."
        ) from None


def _comes_back(event: BaseModel) -> bool:
    return type(event).model_validate_json(event.model_dump_json(warnings=False)) == event


def _lifted(model: type[Event], recorded: Recorded, event: OwnRecorded) -> Mapping[str, Any]:
    if event.v == model.V:
        return event.data
    # A step may change what it is given, and the log's event is nobody's to change.
    fields: Fields = from_json(to_json(event.data))
    for v in range(event.v, model.V):
        try:
            fields = model.lift(v, fields)
        except Exception as error:
            raise OwnEventError(
                f"{_placed(recorded, event)} can't be lifted to v{v + 1}: `lift` of {model.__name__} raised "
                f"{type(error).__name__}. Let it take the fields that v{v} had."
            ) from error
        if type(fields) is not dict:
            raise OwnEventError(
                f"`lift` of {model.__name__} returned no fields ({_placed(recorded, event)}): return those of v{v + 1}."
            )
    return fields


def _require_named(model: type[Event]) -> None:
    name, v = str(model.TYPE), model.V
    if len(name) > _MOST_TYPE or not _TYPE.fullmatch(name):
        raise OwnEventError(
            f"{model.__name__}.TYPE is not the name of a type: use at most {_MOST_TYPE} lower-case letters, digits and "
            "underscores, with dots between words, as level.gained."
        )
    if name in {each.TYPE for each in models_below(LogEvent)}:
        raise OwnEventError(f"{model.__name__}.TYPE is {name}, which is a type of the log's own: choose another name.")
    if type(v) is not int or v < 1:
        raise OwnEventError(f"{model.__name__}.V counts from 1: raise it by 1 whenever fields change.")
    if v > 1 and "lift" not in {name for each in model.__mro__ if each is not Event for name in vars(each)}:
        raise OwnEventError(f"{model.__name__} has version {v} and no `lift`: write how older fields become today's.")


def _faults(model: type[Event], error: ValidationError) -> str:
    """Return what is wrong with which fields. Values are not quoted, nor names that no field has: they may be words."""
    faults = (
        (str(each["loc"][0]) if each["loc"] and each["loc"][0] in model.model_fields else "", each["type"])
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    )
    return ", ".join(dict.fromkeys(f"{name} ({kind})" if name else kind for name, kind in faults))


def _placed(recorded: Recorded, event: OwnRecorded) -> str:
    return f"{_named(*event.own_form)} at position {recorded.position} (v{recorded.version} of {recorded.stream})"


def _named(type_name: str, v: int) -> str:
    return f"{type_name} v{v}"
