"""A wrong clock is corrected by what Discord says; a right one is left alone."""

from __future__ import annotations

import pytest

from bot.gateway.discord_time import DiscordTime
from bot.times import DAY, MINUTE, SECOND

NOW = 1_785_585_600 * SECOND
DATE = "Sat, 01 Aug 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    "off", [9 * 365 * DAY, -56 * 365 * DAY, 2 * MINUTE, -2 * MINUTE], ids=lambda off: f"{off // SECOND} s"
)
def test_a_wrong_clock_is_corrected(off: int) -> None:
    """To the second, from the first answer on, until it is right again."""
    wrong = [off]
    time = DiscordTime(lambda: NOW + wrong[0])

    time.hear(DATE)
    assert abs(time() - NOW) <= SECOND

    wrong[0] = 0
    time.hear(DATE)
    assert time() == NOW


@pytest.mark.parametrize("off", [0, SECOND, -SECOND, MINUTE - SECOND], ids=lambda off: f"{off // SECOND} s")
def test_a_clock_that_is_about_right_is_believed(off: int) -> None:
    """An answer takes its time, and a date has no fractions."""
    time = DiscordTime(lambda: NOW + off)

    time.hear(DATE)

    assert time() == NOW + off


@pytest.mark.parametrize(
    "date", [None, "", "yesterday", "Sat, 99 Aug 2026 12:00:00 GMT", "Sat, 01 Aug 99999 12:00:00 GMT", "9" * 5000]
)
def test_what_is_no_date_tells_nothing(date: str | None) -> None:
    """The clock holds, or what was heard before."""
    time = DiscordTime(lambda: NOW + DAY)
    time.hear(date)
    assert time() == NOW + DAY

    time.hear(DATE)
    time.hear(date)
    assert abs(time() - NOW) <= SECOND
