"""The demo's script: the same seed, the same chat; every act has something to do."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.parts import split
from bot.demo.command import FEWEST, MOST
from bot.demo.script import LONG_WORD, OTHER_BOT, PEOPLE, ScriptWriter, Spot

FACTS: dict[str, str] = json.loads(files("bot.demo").joinpath("demo_facts.json").read_text(encoding="utf-8"))


def test_a_seed_is_a_chat() -> None:
    """The same again, and another one for another seed."""
    one, same, other = (ScriptWriter(seed, FACTS).story(100) for seed in (1, 1, 2))

    assert one == same
    assert one != other


@given(st.integers(), st.integers(FEWEST, 400))
def test_every_act_has_something_to_do(seed: int, messages: int) -> None:
    """Whatever the seed, about as many messages as asked for, and answers due in the burst and while away."""
    story = ScriptWriter(seed, FACTS).story(messages)

    assert messages - 25 <= len(story.posts) <= messages
    assert sum(post.parts for post in story.burst) >= 1
    assert {place for place in Spot if any(post.place is place and post.parts for post in story.away)} == set(Spot)
    assert all(post.addressed for post in story.posts if post.parts)
    assert all(post.author == PEOPLE[0] for post in story.posts if post.place is Spot.DM)
    assert not any(post.parts for post in story.posts if post.author == OTHER_BOT)


def test_the_long_fact_takes_two_messages() -> None:
    """So that a reply of several parts is part of the demo."""
    assert len(split(FACTS[LONG_WORD])) == 2
    assert all(len(split(f"{PEOPLE[2]}, {word}: {fact}")) == 1 for word, fact in FACTS.items() if word != LONG_WORD)


@pytest.mark.parametrize("messages", [FEWEST, 120, MOST])
def test_the_busiest_place_is_counted(messages: int) -> None:
    """By what the bot has to send there."""
    story = ScriptWriter(1, FACTS).story(messages)

    assert story.busiest == max(sum(post.parts for post in story.posts if post.place is place) for place in Spot)
    assert story.busiest < sum(post.parts for post in story.posts)
