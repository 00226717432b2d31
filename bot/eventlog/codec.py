"""Between events and what is stored: type names, schema versions, JSON, the sealed body's plain form.

Defaults of an event are not stored: they belong to its schema version, which a test locks. What an older release wrote
is lifted, step by step, before it is validated (see :mod:`bot.eventlog.upcasters`). So every log of any release loads.
What can't be read all the same is an event, too, which says so: one row must not keep a channel from being read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from bot.core.events import Body, Event, Form, Recorded, Retired, Several, Unread, Unreadable, apart, models_below
from bot.eventlog.upcasters import STEPS, Chain

WORDS = "words"
"""The name of the form of bodies; no type of event is called so."""
_VERSIONED = b'{"v":'
"""What the JSON of a body begins with from version 2 on."""
_VERSION = re.compile(rb'\{"v":(\d{1,9}),?')


def encode_event(event: Event) -> bytes:
    """Return an event's JSON without the fields that have their default value."""
    return _json(event)


def decode(type_name: str, v: int, data: str, chain: Chain | None = None) -> Event:
    """Return the event of a stored row, lifted to today's form; never raise.

    It is Unreadable where this release can't read it, Retired where nothing of it matters any more, and Several where
    it is more than one event today. ``chain`` stands in for this release's own steps.
    """
    model, validate = _readers().get(type_name, (None, None))
    try:
        if model is not None and validate is not None and v == model.V:
            return validate(data)
        chain = chain or lifting()
        if validate is not None and (type_name, v) in chain.same:
            return validate(data)
        return _lifted(type_name, v, data, chain)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        # A step can raise anything over damaged fields.
        return _unreadable(type_name, v, Unread.DATA)


def _lifted(type_name: str, v: int, data: str, chain: Chain) -> Event:
    form = Form(type_name, v)
    newest = None if type_name == WORDS else chain.known.get(type_name)
    if newest is None or v > newest:
        return _unreadable(type_name, v, Unread.TYPE if newest is None else Unread.VERSION)
    models = _models()
    events = tuple(models[to.type].model_validate(fields) for to, fields in chain.lift(form, json.loads(data)))
    if len(events) == 1:
        return events[0]
    return Several.model_construct(stored=form, events=events) if events else Retired.model_construct(stored=form)


def _unreadable(type_name: str, v: int, why: Unread) -> Unreadable:
    # Damage can make anything of a name, even no text.
    name = str(type_name).encode(errors="replace").decode(errors="replace")
    return Unreadable.model_construct(stored=Form(name, v), why=why)


def encode_body(body: Body) -> bytes:
    """Return a body's JSON, which begins with its version unless that is 1."""
    data = _json(body)
    return data if Body.V == 1 else _beginning(Body.V, data == b"{}") + data[1:]


@cache
def _beginning(v: int, empty: bool = False) -> bytes:  # noqa: FBT001, FBT002 - names would make each call slower
    return b"%b%d%b" % (_VERSIONED, v, b"" if empty else b",")


def decode_body(data: bytes, chain: Chain | None = None) -> Body | None:
    """Return the body of its JSON, lifted to today's form; None when this release can't read it: a newer one wrote it.

    ``chain`` stands in for this release's own steps.
    """
    v, plain = _versioned(data)
    try:
        if v == Body.V or (WORDS, v) in (chain or lifting()).same:
            return Body.model_validate_json(plain)
        ((_, fields),) = (chain or lifting()).lift(Form(WORDS, v), json.loads(plain))
        return Body.model_validate(fields)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        # The seal proves that a release of ours wrote it. Pydantic's message would quote people's words.
        return None


def _versioned(data: bytes) -> tuple[int, bytes]:
    """Return the version of a body and its JSON without it."""
    now = _beginning(Body.V)
    if data.startswith(now):
        return Body.V, b"{" + data[len(now) :]
    begins = _VERSION.match(data) if data.startswith(_VERSIONED) else None
    return (int(begins[1]), b"{" + data[begins.end() :]) if begins else (1, data)


@cache
def lifting() -> Chain:
    """Return this release's steps from older forms; raise LogError where they do not fit its events."""
    return Chain(STEPS, {model.TYPE: model.V for model in event_models()} | {WORDS: Body.V})


def separated(found: list[Recorded], types: Iterable[str] = ()) -> list[Recorded]:
    """Return events with each of several apart, of ``types`` alone (none: of all)."""
    if not lifting().splits:
        return found
    wanted = frozenset(types)
    return [each for each in apart(found) if not wanted or _is_of(each.event, wanted)]


def _is_of(event: Event, types: Collection[str]) -> bool:
    # What can't be read may be any of the types that its row was chosen for.
    return type(event) is Unreadable or (type(event) is not Retired and event.TYPE in types)


def stored_as(types: Iterable[str]) -> list[str]:
    """Return the names under which events of ``types`` are stored: older releases may have called them otherwise."""
    return list(dict.fromkeys(name for each in types for name in lifting().stored_as(each)))


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
    return {model.TYPE: model for model in models_below(Event)}
