"""Many inputs from one: cheap changes to a value that Hypothesis drew, which takes it far longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from tests.fuzz.odd import BOMBS, DIGITS, EDGES, PIECES

ODD: tuple[Any, ...] = (
    None, True, False, 1.5, 1e308, float("inf"), float("nan"), [], {}, [[]], [None], {"a": {}},
    *EDGES, *DIGITS, *PIECES,
)  # fmt: skip


def variants(value: Any, number: int, dice: Random) -> Iterator[Any]:  # noqa: ANN401 - any input
    """Yield a value and ``number`` variants of it, each changed in one to three places."""
    yield value
    for _ in range(number):
        changed = value
        for _ in range(dice.choice((1, 1, 2, 3))):
            changed = _changed(changed, dice)
        yield changed


def _changed(value: Any, dice: Random) -> Any:  # noqa: ANN401 - any input
    if isinstance(value, bytes):
        return _spliced(value, dice.choice(BOMBS), dice)
    if isinstance(value, str):
        return _spliced(value, dice.choice((*PIECES, *DIGITS)), dice)
    if isinstance(value, Mapping | list):
        return _json(value, dice)
    if isinstance(value, tuple):
        at = dice.randrange(len(value))
        made = [_changed(each, dice) if number == at else each for number, each in enumerate(value)]
        return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    return value


def _spliced(text: Any, odd: Any, dice: Random) -> Any:  # noqa: ANN401 - text or bytes
    """Return a text in which a piece is missing, doubled, somewhere else, or something odd."""
    start = dice.randint(0, len(text))
    end = min(len(text), start + dice.choice((0, 1, 1, 2, 8, 40)))
    piece = text[start:end]
    changes: tuple[Callable[[], Any], ...] = (
        lambda: text[:start] + text[end:],
        lambda: text[:end] + piece + text[end:],
        lambda: text[:start] + odd + text[end:],
        lambda: text[:start] + odd + text[start:],
        lambda: text[:start],
        lambda: piece + text[:start] + text[end:],
    )
    return dice.choice(changes)()


def _json(value: Any, dice: Random) -> Any:  # noqa: ANN401 - JSON
    """Return a copy of a JSON value with one place changed: something odd there, or nothing."""
    if not isinstance(value, Mapping | list):
        return dice.choice(ODD)
    if not value:
        return value
    copy = dict(value) if isinstance(value, Mapping) else list(value)
    key = dice.choice(list(copy)) if isinstance(copy, dict) else dice.randrange(len(copy))
    inner = copy[key]
    match dice.randrange(4):
        case 0:
            del copy[key]
        case 1:
            copy[key] = dice.choice(ODD)
        case _ if isinstance(inner, str):
            copy[key] = _changed(inner, dice)
        case _:
            copy[key] = _json(inner, dice)
    return copy
