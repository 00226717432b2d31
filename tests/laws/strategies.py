"""Every event and every command there is, over so few ids that they keep meeting each other.

Built from the models themselves, so that a new event type, command or field is covered the day it is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from pydantic import BaseModel, JsonValue

from bot.core import commands as c
from bot.core import events as e
from bot.core.named_keys import digest_of
from bot.core.place_settings import PLACE_SETTINGS, PlaceSetting
from bot.eventlog.codec import event_models

Strategy: TypeAlias = st.SearchStrategy[Any]

NUMBERS = st.integers(-1, 6)
DIGESTS = st.sampled_from(["a", "b"]).map(digest_of)
PLAIN: Mapping[object, Strategy] = {
    int: NUMBERS,
    str: st.sampled_from(["", "a", "ü"]),
    bool: st.booleans(),
    NoneType: st.none(),
    JsonValue: st.recursive(
        st.one_of(st.none(), NUMBERS, st.text(max_size=3)), lambda each: st.lists(each, max_size=2), max_leaves=3
    ),
    PlaceSetting: st.sampled_from(PLACE_SETTINGS),
}


def values(annotation: Any) -> Strategy:  # noqa: ANN401 - a type, or what stands for one
    """Return values of an annotation."""
    if annotation in PLAIN:
        return PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=3)
    if origin in (Union, UnionType):
        return st.one_of([values(argument) for argument in arguments])
    if origin is tuple:
        assert arguments[1:] == (...,), annotation
        return st.lists(values(arguments[0]), max_size=4).map(tuple)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    if isinstance(annotation, type) and issubclass(annotation, e.Event):
        return st.one_of([built(model) for model in event_models() if issubclass(model, annotation)])
    return built(annotation)


def built(model: type[Any]) -> Strategy:
    """Return instances of a model, a dataclass or a named tuple."""
    if issubclass(model, BaseModel):
        chosen = {name: values(field.annotation) for name, field in model.model_fields.items()}
        # Where a model bounds its numbers, only those within the bounds are values; its bounded texts are digests.
        bounded = {name: field.annotation for name, field in model.model_fields.items() if field.metadata}
        within = {name: DIGESTS if annotation is str else st.integers(1, 6) for name, annotation in bounded.items()}
        return st.builds(model, **{**chosen, **within})
    named = [field.name for field in fields(model)] if is_dataclass(model) else model._fields
    annotations = {name: get_type_hints(model)[name] for name in named}
    return st.builds(model, **{name: values(annotation) for name, annotation in annotations.items()})


EVENTS: st.SearchStrategy[e.Event] = st.one_of([built(model) for model in event_models()])
COMMANDS: st.SearchStrategy[c.Command] = st.one_of([built(command) for command in get_args(c.Command)])
HISTORIES = st.lists(EVENTS, max_size=60)


def recorded(
    events: Sequence[e.Event], *, causes: Sequence[int | None] = (None, 1, 2, 3), stream: str = "channel:1"
) -> list[e.Recorded]:
    """Record events at versions 1, 2, 3..., with gaps between their positions, as other streams leave them."""
    return [
        e.Recorded(
            position=3 * version,
            stream=stream,
            version=version,
            recorded_at=1000 + version,
            event=event,
            causation=causes[version % len(causes)],
        )
        for version, event in enumerate(events, 1)
    ]


TIMES = st.from_regex(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,9})?)?)?"
    r"( ?(Z|UTC|[+-][0-2][0-9]:?[0-5][0-9]))?",
    fullmatch=True,
)
"""Times as people write them: also those that no calendar has."""
