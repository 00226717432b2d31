"""What a chaos run plays: a seed repeats it, half of the kills come inside a request, every trouble comes."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.chaos_script import incidents, lives
from benchmarks.chaos_troubles import PLACES, TROUBLES
from bot.sandbox.control.api import all_routes


@pytest.mark.parametrize("kills", [0, 1, 12, 139])
def test_half_of_the_kills_come_inside_a_request(kills: int) -> None:
    """At each place about as often as at every other."""
    played = lives(3, kills)
    places = Counter(life.place for life in played if life.place is not None)

    assert len(played) == kills
    assert places.total() == (kills + 1) // 2
    assert not kills or max(places.values()) - min(places[place] for place in PLACES) <= 1


def test_every_trouble_comes_about_as_often() -> None:
    """In the order of their moments."""
    played = incidents(3, 4 * len(TROUBLES) + 1)

    assert [incident.progress for incident in played] == sorted(incident.progress for incident in played)
    assert sorted(Counter(incident.trouble.name for incident in played).values()) == [4] * (len(TROUBLES) - 1) + [5]


def test_a_seed_repeats_what_breaks() -> None:
    """And another one does not."""
    assert (lives(3, 50), incidents(3, 50)) == (lives(3, 50), incidents(3, 50))
    assert (lives(3, 50), incidents(3, 50)) != (lives(4, 50), incidents(4, 50))


def test_every_trouble_is_a_call_that_the_sandbox_takes() -> None:
    """A line that misspells one would end a run halfway."""
    posts = {route.path for route in all_routes() if route.method == "POST"}

    assert {trouble.path for trouble in TROUBLES} <= posts
