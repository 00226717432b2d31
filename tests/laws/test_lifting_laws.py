"""Laws of what older releases wrote: whatever fits a released schema is read today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.fold import evolve
from bot.eventlog.codec import WORDS, decode, decode_body, encode_event, event_models
from tests.laws.of_schema import fitting

SCHEMAS = Path(__file__).parents[1] / "core" / "event_schemas.json"
LOCKED: dict[str, Any] = json.loads(SCHEMAS.read_text(encoding="utf-8"))
WRITTEN = {f"{model.TYPE} v{model.V}" for model in event_models()} | {f"{WORDS} v{e.Body.V}"}
OLDER = sorted(LOCKED.keys() - WRITTEN)


@pytest.mark.parametrize("name", OLDER)
@given(st.data())
def test_what_fits_an_older_schema_is_an_event_of_today(name: str, data: st.DataObject) -> None:
    """Or several, or nothing that matters; it is folded, and what it became is stored and read as that."""
    type_name, _, number = name.rpartition(" v")
    fields = data.draw(fitting(LOCKED[name]))
    if type_name == WORDS:
        # The first version of bodies does not name itself.
        versioned = fields if number == "1" else {"v": int(number), **fields}
        assert decode_body(json.dumps(versioned, separators=(",", ":")).encode()) is not None
        return

    event = decode(type_name, int(number), json.dumps(fields))

    assert not isinstance(event, e.Unreadable)
    assert evolve(Conversation(), e.Recorded(1, "channel:1", 1, 1, event)).unreadable == 0
    for each in event.events if isinstance(event, e.Several) else (event,):
        if not isinstance(each, e.Retired):
            assert decode(each.TYPE, each.V, encode_event(each).decode()) == each


def test_there_are_older_schemas() -> None:
    """So the law speaks of something."""
    assert {"message.skipped v1", "reply.abandoned v1"} <= set(OLDER)
