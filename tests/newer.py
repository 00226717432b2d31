"""What a release after this one may write into a log, and words that no longer open."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from pydantic import RootModel

from bot.core.events import Draft, Event, Key
from tests.tampering import tampering


class _Stored(RootModel[dict[str, Any]]):
    """An event whose form this release does not know; bound into the log as any other."""

    def __init__(self, data: dict[str, Any], form: tuple[str, int], key: Key | None, about: int | None) -> None:
        super().__init__(data)
        object.__setattr__(self, "_form", SimpleNamespace(type=form[0], v=form[1], key=key, about=about))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what an event has
        """Answer as an event does."""
        form = object.__getattribute__(self, "_form")
        answers = {"TYPE": form.type, "V": form.v, "OPENS": False, "WORDED": False, "ERASES": False}
        if name in {"key", "about"}:
            return lambda: getattr(form, name)
        if name not in answers:
            raise AttributeError(name)
        return answers[name]


def newer(type_name: str, v: int = 1, *, key: Key | None = None, about: int | None = None, **data: object) -> Draft:
    """Return an event as another release would draft it."""
    return Draft(cast("Event", _Stored(data, (type_name, v), key, about)))


def spoil_words(database: Path, positions: list[int]) -> None:
    """Have the words of some events not open any more."""
    with tampering(database) as connection:
        connection.execute(
            "UPDATE events SET sealed = zeroblob(60) WHERE position IN (SELECT value FROM json_each(?))",
            (json.dumps(positions),),
        )
