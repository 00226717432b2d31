"""What a chaos run plays: a seed repeats it, half of the kills come inside a request, every trouble comes."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.chaos_script import Line, incidents, lives, posts
from benchmarks.chaos_troubles import OUTAGES, PLACES, TROUBLES
from bot.sandbox.control.api import all_routes


@pytest.mark.parametrize("kills", [0, 1, 12, 139])
def test_half_of_the_kills_come_inside_a_request(kills: int) -> None:
    """At each place about as often as at every other."""
    played = lives(3, kills)
    places = Counter(life.place for life in played if life.place is not None)

    assert len(played) == kills
    assert places.total() == (kills + 1) // 2
    assert not kills or max(places.values()) - min(places[place] for place in PLACES) <= 1


@pytest.mark.parametrize(("model", "kinds"), [(True, len(OUTAGES) + len(TROUBLES)), (False, len(TROUBLES))])
def test_every_trouble_comes_about_as_often(*, model: bool, kinds: int) -> None:
    """In the order of their moments; a model's where there is one."""
    played = incidents(3, 4 * kinds + 1, model=model)

    assert [incident.progress for incident in played] == sorted(incident.progress for incident in played)
    assert sorted(Counter(incident.trouble.name for incident in played).values()) == [4] * (kinds - 1) + [5]


def test_a_model_is_asked_only_where_there_is_one() -> None:
    """The same messages otherwise, so that the two can be compared."""
    chat = [Line("ada", "how do I mount a disk")]
    with_model, without = (posts(3, 500, chat, model=model) for model in (True, False))

    asked = [post for post in with_model if post.mention and not post.content.startswith("what is")]
    assert len(asked) > 3
    assert not any(post.mention and not post.content.startswith("what is") for post in without)
    assert [post.asks for post in with_model] == [post.asks for post in without]


def test_a_seed_repeats_what_breaks() -> None:
    """And another one does not."""
    assert (lives(3, 50), incidents(3, 50)) == (lives(3, 50), incidents(3, 50))
    assert (lives(3, 50), incidents(3, 50)) != (lives(4, 50), incidents(4, 50))


def test_every_trouble_is_a_call_that_the_sandbox_takes() -> None:
    """A line that misspells one would end a run halfway."""
    paths = {route.path for route in all_routes() if route.method == "POST"}

    assert {trouble.path for trouble in TROUBLES} <= paths
