from __future__ import annotations

import pytest

from tests.crashpoints.lives import Place
from tests.crashpoints.scenario import play

SLICE = [
    Place(0, "commit", 3, "before"),
    Place(0, "commit", 5, "after"),
    Place(0, "commit", 7, "before"),
    Place(0, "commit", 8, "after"),
    Place(0, "request", 3, "before"),
    Place(0, "request", 4, "after"),
    Place(0, "request", 5, "before"),
    Place(0, "request", 5, "after"),
]
"""A fixed slice of all crash points, which ``make crashpoints`` tries; most strike around the first sends."""


@pytest.mark.crashpoints
@pytest.mark.parametrize("nonce_window", [300, 0], ids=["nonces remembered", "nonces forgotten"])
@pytest.mark.parametrize("place", SLICE, ids=str)
async def test_a_kill_costs_and_doubles_nothing(place: Place, nonce_window: int) -> None:
    """Killed by SIGKILL at a place and started again, the bot has answered each part once, in order."""
    result = await play("small", (place,), nonce_window=nonce_window)

    assert result.problems == []
    assert result.kills == 1


@pytest.mark.crashpoints
async def test_a_kill_among_channels_a_private_chat_and_a_thread() -> None:
    """Also with an edit, a deletion, and messages posted while the bot was away."""
    result = await play("large", (Place(0, "request", 10, "after"),), nonce_window=0)

    assert result.problems == []
    assert result.kills == 1
