"""What a call under a key does, and the next step of a declared effect: tables, and laws over runs of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.effects import (
    HARMLESS_TWICE,
    LOOKED_FOR,
    PATIENCE,
    Absent,
    Again,
    Begin,
    Declined,
    Found,
    GiveItUp,
    Hidden,
    LookForIt,
    Made,
    MakeIt,
    Outcome,
    Resume,
    Return,
    Tell,
    at_call,
    judge_found,
    judge_outcome,
    newest_attempt,
    next_effect_step,
)
from bot.core.events import (
    EffectBegun,
    EffectDone,
    EffectEnd,
    EffectEvent,
    EffectFailed,
    EffectIntended,
    EffectKind,
    Recorded,
)
from bot.core.fate import NotYet, Unknown
from bot.core.named_keys import digest_of

KEY = digest_of("order:1")
ROLE, THREAD, HTTP, DIRECT = (
    EffectKind.ADD_ROLE,
    EffectKind.START_THREAD,
    EffectKind.HTTP_CALL,
    EffectKind.DIRECT_MESSAGE,
)
KINDS = st.sampled_from(EffectKind)
OUTCOMES: st.SearchStrategy[Outcome] = st.sampled_from(
    (Made(), Declined(EffectEnd.REFUSED, "404"), NotYet("away", 1.0), Unknown("timeout"))
)
FINDINGS: st.SearchStrategy[Found] = st.sampled_from((Made(), Absent(), Hidden("403"), NotYet("away"), Unknown("503")))


def begun(attempt: int = 1, digest: str = KEY) -> EffectBegun:
    """Return the start of an attempt."""
    return EffectBegun(key_digest=digest, attempt=attempt)


def done(attempt: int = 1) -> EffectDone:
    """Return its end."""
    return EffectDone(key_digest=KEY, attempt=attempt)


def failed(attempt: int = 1, reason: EffectEnd = EffectEnd.RAISED) -> EffectFailed:
    """Return its failure."""
    return EffectFailed(key_digest=KEY, attempt=attempt, reason=reason)


def recorded(events: Sequence[EffectEvent]) -> list[Recorded]:
    """Return events as a log holds them."""
    return [Recorded(at, "effects", at, at, event) for at, event in enumerate(events, 1)]


@pytest.mark.parametrize(
    ("events", "does"),
    [
        ((), Begin(1)),
        ((begun(),), Resume()),
        ((begun(), done()), Return()),
        ((begun(), failed()), Begin(2)),
        ((begun(), failed(), begun(2)), Resume()),
        ((begun(), failed(), begun(2), done(2)), Return()),
        ((begun(), failed(), begun(2), failed(2)), Begin(3)),
        ((begun(), failed(reason=EffectEnd.UNKNOWN_FATE)), Tell()),
        ((begun(digest=digest_of("order:2")),), Begin(1)),
    ],
)
def test_what_a_call_does(events: Sequence[EffectEvent], does: object) -> None:
    """What is done is done once; what failed was not made, so it is tried again."""
    assert at_call(newest_attempt(KEY, recorded(events))) == does
    assert at_call(newest_attempt(KEY, reversed(recorded(events)))) == does


@pytest.mark.parametrize(
    ("kind", "certain", "readable", "age", "step"),
    [
        (ROLE, True, True, 0, MakeIt()),
        (ROLE, False, True, 0, LookForIt()),
        (THREAD, False, True, PATIENCE + 1, LookForIt()),
        (THREAD, True, True, PATIENCE + 1, GiveItUp(EffectEnd.EXPIRED, "too old")),
        (HTTP, False, True, 0, MakeIt()),
        (HTTP, False, True, PATIENCE + 1, GiveItUp(EffectEnd.UNKNOWN_FATE, "too old")),
        (HTTP, True, True, PATIENCE + 1, GiveItUp(EffectEnd.EXPIRED, "too old")),
        (DIRECT, False, True, 0, MakeIt()),
        (DIRECT, True, False, 0, GiveItUp(EffectEnd.ERASED, "erased")),
        (THREAD, False, False, 0, GiveItUp(EffectEnd.UNKNOWN_FATE, "erased")),
        (ROLE, False, False, 0, GiveItUp(EffectEnd.ERASED, "erased")),
    ],
)
def test_the_next_step(kind: EffectKind, certain: bool, readable: bool, age: int, step: object) -> None:  # noqa: FBT001 - a table
    """Look where nobody knows and Discord can tell; give up in time."""
    assert next_effect_step(kind, certain=certain, readable=readable, age_us=age) == step


@pytest.mark.parametrize(
    ("kind", "outcome", "certain", "verdict"),
    [
        (ROLE, Made(), True, Made()),
        (ROLE, Declined(EffectEnd.FORBIDDEN, "50013"), True, GiveItUp(EffectEnd.FORBIDDEN, "50013")),
        (ROLE, NotYet("rate limit", 7.0), True, Again(certain=True, reason="rate limit", after_seconds=7.0)),
        (ROLE, Unknown("timeout"), True, Again(certain=False, reason="timeout")),
        (HTTP, NotYet("no connection"), False, Again(certain=False, reason="no connection")),
        (HTTP, Declined(EffectEnd.REFUSED, "422"), False, GiveItUp(EffectEnd.UNKNOWN_FATE, "422")),
        (HTTP, Declined(EffectEnd.REFUSED, "422"), True, GiveItUp(EffectEnd.REFUSED, "422")),
    ],
)
def test_how_an_attempt_ended(kind: EffectKind, outcome: Outcome, certain: bool, verdict: object) -> None:  # noqa: FBT001 - a table
    """A refusal of the second call says nothing of the first."""
    assert judge_outcome(kind, outcome, certain=certain) == verdict


@pytest.mark.parametrize(
    ("kind", "found", "verdict"),
    [
        (THREAD, Made(7, 7), Made(7, 7, found=True)),
        (THREAD, Absent(), Again(certain=True, after_seconds=0)),
        (THREAD, Hidden("403"), GiveItUp(EffectEnd.UNKNOWN_FATE, "403")),
        (ROLE, Hidden("404"), Again(certain=True, after_seconds=0)),
        (ROLE, NotYet("away", 3.0), Again(certain=False, reason="away", after_seconds=3.0)),
    ],
)
def test_what_a_look_says(kind: EffectKind, found: Found, verdict: object) -> None:
    """What can't be seen is made again only where that does no harm."""
    assert judge_found(kind, found) == verdict


@given(KINDS, st.lists(st.tuples(OUTCOMES, FINDINGS), max_size=12), st.booleans())
def test_nothing_is_made_on_a_guess(
    kind: EffectKind,
    endings: list[tuple[Outcome, Found]],
    certain: bool,  # noqa: FBT001 - drawn
) -> None:
    """What a second making would double is made only while it is known not to be made, however everything ends."""
    may_be_made = not certain
    for outcome, found in endings:
        step = next_effect_step(kind, certain=certain, readable=True, age_us=0)
        if isinstance(step, LookForIt):
            verdict = judge_found(kind, found)
            may_be_made = may_be_made and not isinstance(found, Absent)
        else:
            assert isinstance(step, MakeIt)
            assert not (may_be_made and kind in LOOKED_FOR - HARMLESS_TWICE)
            verdict = judge_outcome(kind, outcome, certain=certain)
            may_be_made = may_be_made or isinstance(outcome, Unknown)
        if not isinstance(verdict, Again):
            refused = isinstance(verdict, GiveItUp) and verdict.reason is not EffectEnd.UNKNOWN_FATE
            assert not (refused and may_be_made and kind in (THREAD, HTTP))
            return
        certain = verdict.certain
        assert not (certain and may_be_made and kind not in HARMLESS_TWICE)


@given(st.text(min_size=1), st.text(min_size=1), st.integers(1, 99), st.integers(1, 99))
def test_keys_of_the_log_are_apart(one: str, other: str, first: int, second: int) -> None:
    """Two texts, or two attempts, have two keys; each fits SQLite's numbers."""
    keys = [begun(number, digest_of(text)).key() for text, number in ((one, first), (other, second))]

    assert (keys[0] == keys[1]) == ((one, first) == (other, second))
    assert all(-(2**63) <= number < 2**63 for key in keys for number in key[1:])
    assert done(first).key() != begun(first).key()


def test_an_effect_at_a_message_is_about_it() -> None:
    """So that it is found by the message."""
    at = EffectIntended(key_digest=KEY, effect=EffectKind.ADD_REACTION, channel_id=1, message_id=2)

    assert (at.about(), begun().about()) == (2, None)
