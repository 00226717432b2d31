from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.gateway import pacing

CHANCES = st.floats(0, 1, exclude_max=True)
FAILURES = st.integers(0, 100_000)


@pytest.mark.parametrize(
    ("failed", "least", "most"),
    [(0, 0, 0.25), (1, 0, 0.25), (2, 1, 2), (3, 2, 4), (4, 4, 8), (5, 8, 16), (6, 15, 30), (7, 15, 30), (9999, 15, 30)],
)
def test_pauses_grow_up_to_the_longest(failed: int, least: float, most: float) -> None:
    """The first is next to nothing; from then on chance makes it up to half shorter."""
    assert (pacing.pause(failed, 0.0), pacing.pause(failed, 1.0)) == (least, most)


@given(FAILURES, CHANCES)
def test_no_pause_is_longer_than_the_longest(failed: int, chance: float) -> None:
    """However long it goes on."""
    assert 0 <= pacing.pause(failed, chance) <= pacing.LONGEST_PAUSE


@given(st.lists(CHANCES, min_size=20, max_size=20))
def test_a_storm_of_a_minute_is_called_twenty_times_at_most(chances: list[float]) -> None:
    """Whatever chance says."""
    called, left = 0, 60.0
    for failed, chance in enumerate(chances):
        left -= pacing.pause(failed, chance) if failed else 0
        called += left >= 0

    assert called < 15


@pytest.mark.parametrize(
    ("since", "chance", "seconds"),
    [(0, 0.0, 5), (0, 1.0, 5), (3, 0.0, 2), (3, 1.0, 5), (1000, 0.0, 1), (1000, 0.5, 3), (1000, 1.0, 5)],
)
def test_sessions_begin_five_seconds_apart(since: float, chance: float, seconds: float) -> None:
    """And one to five seconds after one was refused."""
    assert pacing.before_identify(since, chance) == pytest.approx(seconds)


@pytest.mark.parametrize(("reset_after", "seconds"), [(0, 5), (12, 12), (86_400, 30)])
def test_what_is_spent_is_asked_for_again(reset_after: float, seconds: float) -> None:
    """Neither in haste nor when the day is over."""
    assert pacing.until_more(reset_after) == seconds
