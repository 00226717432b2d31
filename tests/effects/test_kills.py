"""Two of the kills of ``python -m tests.effects.kills``: where only a look, or only the outbox, can tell."""

from __future__ import annotations

import pytest

from tests.effects.kills import Place, killed_at, places

CHOSEN = (Place("thread", 0, "*/threads", "after"), Place("direct", 0, "*/messages", "after"))


@pytest.mark.long
@pytest.mark.parametrize("place", CHOSEN, ids=str)
async def test_an_effect_killed_at_a_step_is_there_once(place: Place) -> None:
    """It was made, and its process did not hear of it. The log knows it in the end."""
    assert place in places()
    assert await killed_at(place) == ""
