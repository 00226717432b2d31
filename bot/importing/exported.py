"""The JSON Lines of ``echoless log export --words``: a whole log, line by line.

An event can take its place again only after all those before it. So only an export of a whole log is taken: its
positions run from 1 without a gap, and so do the versions of each stream.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from bot.core.events import Body, Event, Unreadable
from bot.errors import Unimportable
from bot.eventlog.codec import decode, event_models
from bot.eventlog.moving import Row
from bot.times import moment_of

_LONGEST = 2**26
"""Bytes of a line that is believed."""
_SHOWN = 1000
"""Progress is told after so many lines."""
_WHOLE = "Export the whole log: `echoless log export --words --output FILE`, without options that choose events."

_Back: TypeAlias = Callable[[Any], Any]


class NoRow(ValueError):
    """A line is no event that can be imported; its text says why, without what is in the line."""


@dataclass(slots=True)
class Checked:
    """What an export holds: its ``digest``, the number of ``events`` that can be imported, and of those without words.

    ``cut`` is the number of the last line if that can't be read (0: all can). ``lost`` counts events whose words did
    not open, ``erased`` those whose words are erased.
    """

    digest: str = ""
    events: int = 0
    words: int = 0
    worded: int = 0
    erased: int = 0
    lost: int = 0
    cut: int = 0
    versions: Counter[str] = field(default_factory=Counter)

    def take(self, number: int, row: Row) -> None:
        """Count a row; raise Unimportable if it does not follow the ones before it."""
        if row.position != self.events + 1 or row.version != self.versions[row.stream] + 1:
            raise Unimportable(
                f"Line {number} is event {row.position}, version {row.version} of its stream, and follows event "
                f"{self.events}, version {self.versions[row.stream]}: this is an export of a part of a log. {_WHOLE}"
            )
        self.events += 1
        self.versions[row.stream] += 1
        self.words += row.body is not None
        self.worded += row.event.worded()
        self.erased += row.erased
        self.lost += row.lost


def check(path: Path, progress: Callable[[int], object] = lambda _lines: None) -> Checked:
    """Read all of an export; raise Unimportable, which names the line, where it is not one of a whole log."""
    checked, digest = Checked(), sha256()
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file), 1):
            digest.update(line)
            if checked.cut:
                raise Unimportable(
                    f"Line {checked.cut} can't be read, and what follows can't stand without it. {_WHOLE}"
                )
            try:
                row = row_of(line)
            except NoRow as error:
                if line.endswith(b"\n"):
                    raise Unimportable(f"Line {number}: {error}. {_WHOLE}") from None
                checked.cut = number
            else:
                checked.take(number, row)
            if number % _SHOWN == 0:
                progress(number)
    if checked.worded and not checked.words + checked.erased + checked.lost:
        raise Unimportable(f"This export has no words: it was made without --words. {_WHOLE}")
    checked.digest = digest.hexdigest()
    return checked


def rows(path: Path, count: int) -> Iterator[Row]:
    """Yield the first ``count`` events of an export that was checked."""
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file), 1):
            if number > count:
                return
            yield row_of(line)


def _lines(file: Any) -> Iterator[bytes]:  # noqa: ANN401 - a binary file
    while line := file.readline(_LONGEST):
        yield line


def row_of(line: bytes) -> Row:
    """Return the event of a line; raise NoRow, whose text says why."""
    try:
        return _row(json.loads(line))
    except NoRow:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError):
        # The cause may quote what people wrote.
        raise NoRow("it is no event as `echoless log export` writes it") from None


def _row(data: Mapping[str, Any]) -> Row:
    if data["data"] is None:
        raise NoRow("the release that exported it could not read this event: export it with the one that wrote it")
    event, body = event_of(data["type"], data["v"], data["data"]), data.get("body")
    position, version, causation, stream = data["position"], data["version"], data["causation"], data["stream"]
    numbers = (position, version, *(() if causation is None else (causation,)))
    if any(type(number) is not int or not 0 < number < 2**63 for number in numbers) or not isinstance(stream, str):
        raise TypeError
    erased = data.get("erased") is True
    return Row(
        position=position,
        stream=stream,
        version=version,
        recorded_at=moment_of(datetime.fromisoformat(data["recorded_at"])),
        event=event,
        causation=causation,
        body=None if body is None else Body.model_validate(body),
        erased=erased,
        lost=body is None and not erased and "unreadable" in data,
    )


def event_of(type_name: str, v: int, data: Mapping[str, Any]) -> Event:
    """Return an event of the form in which ``log export`` shows it (``moderation.text.plain``); raise NoRow."""
    model = _models().get(type_name)
    if model is None or v > model.V:
        raise NoRow("a newer release wrote this event: import it with that release")
    plain = {name: (_fields(model).get(name) or _as_it_is)(value) for name, value in data.items()}
    if v == model.V:
        return model.model_validate(plain)
    event = decode(type_name, v, json.dumps(plain))
    if isinstance(event, Unreadable):
        raise TypeError
    return event


@cache
def _models() -> Mapping[str, type[Event]]:
    return {model.TYPE: model for model in event_models()}


@cache
def _fields(model: type[BaseModel]) -> Mapping[str, _Back]:
    """Return for each field of a model what turns its shown form back."""
    return {name: _back(cast("Hashable", field.annotation)) for name, field in model.model_fields.items()}


def _as_it_is(value: Any) -> Any:  # noqa: ANN401 - JSON
    return value


@cache
def _back(annotation: Any) -> _Back:  # noqa: ANN401 - a type, or what stands for one
    """Return what turns a value of a type back: an id that is 0 is shown as null, a named tuple as an object."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        (inner,) = (_back(each) for each in arguments if each is not NoneType)
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        element = _back(arguments[0])
        return lambda value: [element(each) for each in value]
    if annotation is int:
        return lambda value: 0 if value is None else value
    if isinstance(annotation, type) and issubclass(annotation, IntEnum):
        return lambda value: annotation[value.upper()]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return lambda value: {name: _fields(annotation).get(name, _as_it_is)(each) for name, each in value.items()}
    if isinstance(annotation, type) and issubclass(annotation, tuple):
        named = {name: _back(hint) for name, hint in get_type_hints(annotation).items()}
        return lambda value: [back(value[name]) for name, back in named.items()]
    return _as_it_is
