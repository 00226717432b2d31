"""Moments on the command line."""

from __future__ import annotations

import pytest

from bot.cli.moments import parse_moment

NOW = 1_700_000_000_000_000
HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2023-11-14T22:13:20Z", NOW, id="UTC"),
        pytest.param("2023-11-14T23:13:20+01:00", NOW, id="a zone of its own"),
        pytest.param("2023-11-14 22:13:20.000001+00:00", NOW + 1, id="to the microsecond, with a space"),
        pytest.param("2h", NOW - 2 * HOUR, id="how long ago"),
        pytest.param("1d2h", NOW - 26 * HOUR, id="in two units"),
        pytest.param(" 2h ago ", NOW - 2 * HOUR, id="spelled out"),
        pytest.param("0s", NOW, id="now"),
    ],
)
def test_a_moment_is_read(text: str, moment: int) -> None:
    """An ISO time, or how long ago."""
    assert moment == parse_moment(text, NOW)


def test_a_time_without_a_zone_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    """As people write it; the output for eyes is local too."""
    monkeypatch.setenv("TZ", "Etc/GMT-3")
    __import__("time").tzset()

    local = parse_moment("2023-11-15T01:13:20", NOW)

    monkeypatch.delenv("TZ")
    __import__("time").tzset()
    assert NOW == local


@pytest.mark.parametrize(
    "text",
    ["", "ago", "yesterday", "10", "10 m", "m", "-5m", "2h1d", "2023-13-01", "25:00", "0000-01-01", "999999999d" * 30],
)
def test_no_moment_is_none(text: str) -> None:
    """The command line says what to write instead."""
    assert parse_moment(text, NOW) is None
