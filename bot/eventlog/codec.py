"""Between events and what is stored: type names, schema versions, JSON, the sealed body's plain form.

Defaults of an event are not stored: they belong to its schema version, which a test locks. Upcasters lift an event of
an older version one version at a time, before it is validated. So every log of any release loads. What can't be read
all the same is an event, too, which says so: one row must not keep a channel from being read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from bot.core.events import Body, Event, Form, Unread, Unreadable

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


def _more_values(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields as they are: the next version only knows more values of one of them."""
    return fields


UPCASTERS: Mapping[tuple[str, int], Upcaster] = {
    ("message.skipped", 1): _more_values,
    ("message.skipped", 2): _more_values,
    ("reply.requested", 1): _more_values,
}
"""By (type, v): the function that turns the fields of version v into those of v + 1."""


def encode_event(event: Event) -> bytes:
    """Return an event's JSON without the fields that have their default value."""
    return _json(event)


def decode(type_name: str, v: int, data: str, upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS) -> Event:
    """Return the event of a stored row, lifted to today's schema version, or Unreadable; never raise."""
    model, validate = _readers().get(type_name, (None, None))
    try:
        if model is not None and validate is not None and v == model.V:
            return validate(data)
        if model is None or v > model.V:
            return _unreadable(type_name, v, Unread.TYPE if model is None else Unread.VERSION)
        return _lifted(model, type_name, v, data, upcasters)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        # An upcaster can raise anything over damaged fields.
        return _unreadable(type_name, v, Unread.DATA)


def _lifted(
    model: type[Event], type_name: str, v: int, data: str, upcasters: Mapping[tuple[str, int], Upcaster]
) -> Event:
    fields = json.loads(data)
    for step in range(v, model.V):
        fields = upcasters[type_name, step](fields)
    return model.model_validate(fields)


def _unreadable(type_name: str, v: int, why: Unread) -> Unreadable:
    # Damage can make anything of a name, even no text.
    name = str(type_name).encode(errors="replace").decode(errors="replace")
    return Unreadable.model_construct(stored=Form(name, v), why=why)


def encode_body(body: Body) -> bytes:
    """Return a body's JSON."""
    return _json(body)


def decode_body(data: bytes) -> Body | None:
    """Return the body of its JSON, None when this release can't read it: a newer one wrote it."""
    try:
        return Body.model_validate_json(data)
    except ValidationError:
        # The seal proves that a release of ours wrote it. Pydantic's message would quote people's words.
        return None


def event_models() -> tuple[type[Event], ...]:
    """Return every event model there is, by stored type name."""
    return tuple(model for _, model in sorted(_models().items()))


def _json(model: BaseModel) -> bytes:
    try:
        return model.__pydantic_serializer__.to_json(model, exclude_defaults=True)
    except PydanticSerializationError:
        # Half of a surrogate pair: JSON can hold it, UTF-8 cannot.
        return json.dumps(model.model_dump(exclude_defaults=True), ensure_ascii=False).encode(errors="replace")


@cache
def _readers() -> Mapping[str, tuple[type[Event], Callable[[str], Event]]]:
    """Return each event's model and its JSON reader. Calling pydantic's own method would take half as long again."""
    return {name: (model, model.__pydantic_validator__.validate_json) for name, model in _models().items()}


@cache
def _models() -> Mapping[str, type[Event]]:
    return {model.TYPE: model for model in _concrete(Event)}


def _concrete(model: type[Event]) -> Iterator[type[Event]]:
    for child in model.__subclasses__():
        if "TYPE" in vars(child):
            yield child
        yield from _concrete(child)
