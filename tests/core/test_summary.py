"""When turns are folded into a summary."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.conversation import Conversation
from bot.core.events import Role
from bot.core.summary import DUE, KEEP, outgrown
from bot.core.window import WINDOW, Turn, Window


@pytest.mark.parametrize(
    ("turns", "upto", "folded"),
    [
        pytest.param(0, 0, 0, id="nothing was said"),
        pytest.param(DUE - 1, 0, 0, id="not much"),
        pytest.param(DUE, 0, DUE - KEEP, id="enough"),
        pytest.param(WINDOW, 0, WINDOW - KEEP, id="a full window"),
        pytest.param(WINDOW, WINDOW - DUE + 1, 0, id="little since the last one"),
        pytest.param(WINDOW, WINDOW - DUE, DUE - KEEP, id="enough since the last one"),
    ],
)
def test_the_oldest_turns_without_a_summary(turns: int, upto: int, folded: int) -> None:
    """The newest ones stay as they are."""
    window = Window(Turn(number, 7, Role.PERSON, number) for number in range(1, turns + 1))
    state = replace(Conversation(), window=window, summary_upto_id=upto)

    assert [turn.message_id for turn in outgrown(state)] == list(range(upto + 1, upto + 1 + folded))
