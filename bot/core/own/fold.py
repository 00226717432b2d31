"""The base of a program's own folds: a state that is made of the events of one stream."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, PydanticUserError, ValidationError
from pydantic_core import PydanticSerializationError

from bot.core.events import OwnRecorded, Recorded, Unreadable
from bot.core.own.event import Event, opened
from bot.core.shapes import shape_of
from bot.errors import OwnEventError, OwnFoldError

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_KEPT = 256
"""Of how many folds the fingerprint is remembered."""


class Fold(BaseModel):
    """A state, and how an event changes it. Subclasses set ``NAME`` and ``EVENTS``, and write :meth:`apply`.

    ``NAME`` is the fold's own among all folds of the log. Raise ``VERSION`` whenever the same events give another
    state: then every stream is folded anew. ``EVENTS`` are the event types that it is made of; others are passed over.
    A snapshot is kept after every ``EVERY`` events. Each field has a default: together they are the state before the
    first event. Fields are facts, as those of events. A class that does not fit raises OwnFoldError when it is made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    NAME: ClassVar[str]
    VERSION: ClassVar[int] = 1
    EVENTS: ClassVar[tuple[type[Event], ...]] = ()
    EVERY: ClassVar[int] = 100

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:  # noqa: ANN401 - pydantic's
        if "NAME" in vars(cls) and (fault := next(_faults(cls), "")):
            raise OwnFoldError(f"{cls.__name__} is no fold: {fault}.")

    def apply(self, event: Event) -> Self:
        """Return the state after one more event; it has to be pure, and takes whatever was recorded."""
        raise NotImplementedError


F = TypeVar("F", bound=Fold)


def folded(state: F, recorded: Iterable[Recorded]) -> F:
    """Return the state after own events of one stream.

    Raises OwnFoldError, which names the place, where ``apply`` fails; OwnEventError for an event that does not fit its
    class, or that can't be read: nobody knows what it would change.
    """
    fold = type(state)
    models = by_type(fold)
    for each in recorded:
        event = each.event
        if type(event) is OwnRecorded and (model := models.get(event.type)) is not None:
            state = _applied(state, opened(model, each), each)
        elif type(event) is Unreadable:
            raise OwnEventError(
                f"{event.stored.type} v{event.stored.v} at position {each.position} (v{each.version} of {each.stream}) "
                f"can't be read: {event.why.value}. See `echoless log verify`."
            )
    return state


def _applied(state: F, event: Event, recorded: Recorded) -> F:
    fold = type(state)
    try:
        after = state.apply(event)
    except Exception as error:
        raise OwnFoldError(_failed(fold, event, recorded, f"raised {type(error).__name__}")) from error
    if type(after) is not fold:
        raise OwnFoldError(_failed(fold, event, recorded, f"returned {type(after).__name__}"))
    return after


def _failed(fold: type[Fold], event: Event, recorded: Recorded, what: str) -> str:
    return (
        f"`apply` of the fold {fold.NAME} {what} for {event.TYPE} at position {recorded.position} "
        f"(v{recorded.version} of {recorded.stream}). Let it return a {fold.__name__} for that event too, and raise "
        "VERSION if it makes another state of earlier events. The log is as it was."
    )


@lru_cache(maxsize=_KEPT)
def by_type(fold: type[Fold]) -> Mapping[str, type[Event]]:
    """Return the event classes of a fold by their stored type."""
    return {model.TYPE: model for model in fold.EVENTS}


@lru_cache(maxsize=_KEPT)
def fingerprint(fold: type[Fold]) -> str:
    """Return the fingerprint of a fold: of its version, its events' forms, the shape of its state and how it begins."""
    try:
        shape, start = shape_of(fold.model_json_schema()), fold().model_dump_json()
    except (PydanticUserError, PydanticSerializationError, ValidationError) as error:
        raise OwnFoldError(
            f"{fold.__name__} is no fold: its state can't be kept as JSON ({type(error).__name__}). Use fields that "
            "JSON can hold."
        ) from None
    forms = " ".join(f"{model.TYPE} {model.V}" for model in fold.EVENTS)
    return sha256(f"{fold.VERSION}:{forms}:{shape}:{start}".encode()).hexdigest()[:16]


def encode(state: Fold) -> str | None:
    """Return a state as JSON; None where it would not come back as it is, so that no snapshot can be kept of it."""
    try:
        data = state.model_dump_json(warnings=False)
    except (PydanticSerializationError, ValueError):
        return None
    return data if decode(type(state), data) == state else None


def decode(fold: type[F], data: str) -> F | None:
    """Return the state of its JSON, None where that is of another shape."""
    try:
        return fold.model_validate_json(data)
    except ValidationError:
        return None


def _faults(fold: type[Fold]) -> Iterator[str]:
    """Yield what is wrong with the class, each with what to do."""
    if not _NAME.fullmatch(str(fold.NAME)):
        yield "its NAME is up to 64 lower-case letters, digits and any of _ . -, and begins with a letter"
    if any(type(number) is not int or number < 1 for number in (fold.VERSION, fold.EVERY)):
        yield "VERSION and EVERY are whole numbers from 1 on"
    if not fold.EVENTS or not all(hasattr(model, "TYPE") for model in fold.EVENTS):
        yield "EVENTS are the event classes that it is made of: name one at least"
    elif len({model.TYPE for model in fold.EVENTS}) < len(fold.EVENTS):
        yield "two of its EVENTS have the same TYPE: leave one of them"
    if fold.apply is Fold.apply:
        yield "it has no `apply`: write how an event changes it"
    if needed := [name for name, field in fold.model_fields.items() if field.is_required()]:
        yield f"give {', '.join(needed)} a default: the defaults are the state before the first event"
