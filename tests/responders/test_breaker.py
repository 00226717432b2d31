"""Who may ask a model that is away, and when."""

from __future__ import annotations

from random import Random

import pytest

from bot.responders import breaker
from bot.responders.breaker import Breaker
from bot.responders.failure import Failure
from bot.responders.protocol import Trouble

GONE = Failure(Trouble.AWAY, "no connection")
BARRED = Failure(Trouble.KEY, "HTTP 401")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Begin somewhere."""
    return Clock()


@pytest.fixture
def made(clock: Clock) -> Breaker:
    """Return one that is closed."""
    return Breaker("openai:tiny", clock, Random(3))


def test_closed_everybody_asks(made: Breaker) -> None:
    """Nobody waits for anybody."""
    assert all(made.admit(who) for who in "abc")
    assert made.absence() is None


def test_open_nobody_asks_until_it_is_time(made: Breaker, clock: Clock) -> None:
    """And then one does, whose outcome the others wait for."""
    assert made.admit("a")
    pause = made.failed("a", GONE)
    absence = made.absence()
    assert absence is not None
    assert absence.reason == "model away (no connection)"
    assert absence.seconds == pytest.approx(pause)
    assert not made.admit("b")

    clock.now += pause + 0.001

    assert made.absence() is None
    assert made.admit("b")
    assert not made.admit("c")
    assert made.absence() == ("model away (no connection)", breaker.HALF_OPEN)


def test_a_sign_of_life_lets_everybody_ask(made: Breaker, clock: Clock) -> None:
    """Before the answer is whole."""
    clock.now += made.failed("a", GONE) + 0.001
    assert made.admit("b")

    made.alive()

    assert all(made.admit(who) for who in "cd")
    assert made.condition(0).trouble == ""


def test_pauses_grow_over_signs_of_life_until_there_is_an_answer(made: Breaker, clock: Clock) -> None:
    """One that comes back and goes in the middle of every answer is not asked twice a second."""
    pauses = []
    for number in range(4):
        assert made.admit(number)
        made.alive()
        pauses.append(made.failed(number, Failure(Trouble.AWAY, "the stream was cut", unhurried=True)))
        clock.now += pauses[-1] + 0.001
    made.answered()

    assert pauses == sorted(pauses)
    assert pauses[-1] >= 2**3 * breaker.FIRST_PAUSE * (1 - breaker.JITTER)
    assert made.failed("a", GONE) <= breaker.FIRST_PAUSE * (1 + breaker.JITTER)


def test_an_attempt_that_tells_nothing_lets_the_next_one_try(made: Breaker, clock: Clock) -> None:
    """Only the one that tries gives its turn back."""
    clock.now += made.failed("a", GONE) + 0.001
    assert made.admit("b")

    made.release("a")
    assert not made.admit("c")
    made.release("b")

    assert made.admit("c")


@pytest.mark.parametrize(
    ("failure", "longest"), [(GONE, breaker.LONGEST_PAUSE), (BARRED, breaker.LONGEST_UNHURRIED)], ids=["away", "key"]
)
def test_pauses_grow_with_jitter_up_to_a_limit(made: Breaker, clock: Clock, failure: Failure, longest: float) -> None:
    """No two are the same, so that several bots do not come at once."""
    pauses = []
    for number in range(12):
        assert made.admit(number)
        pauses.append(made.failed(number, failure))
        clock.now += pauses[-1] + 0.001

    assert pauses[0] <= breaker.FIRST_PAUSE * (1 + breaker.JITTER)
    assert longest * (1 - breaker.JITTER) <= max(pauses) <= longest * (1 + breaker.JITTER)
    assert len(set(pauses)) == 12
    name, trouble, seconds, tries, tokens = made.condition(7)
    assert (name, trouble, tries, tokens) == ("openai:tiny", failure.reason, 12, 7)
    assert seconds == pytest.approx(sum(pauses) + 0.012)


@pytest.mark.parametrize(("asked", "least", "most"), [(0.0, 0.5, 1), (7.0, 7, 9), (3600.0, 60, 75)])
def test_who_says_how_long_to_wait_is_heeded_within_limits(
    made: Breaker, asked: float, least: float, most: float
) -> None:
    """Never less than they say, but never for an hour."""
    pause = made.failed("a", Failure(Trouble.AWAY, "HTTP 429", retry_after=asked))

    assert least <= pause <= most


def test_those_that_were_under_way_are_no_further_attempts(made: Breaker) -> None:
    """Eight questions that fail at once are one outage."""
    first = made.failed("a", GONE)
    others = [made.failed(who, GONE) for who in "bcdefgh"]

    assert set(others) == {max(first, breaker.FIRST_PAUSE)}
    assert made.condition(0).tries == 1


def test_an_error_over_a_question_is_asked_for_in_a_hurry_for_a_minute(made: Breaker, clock: Clock) -> None:
    """A server that starts anew is soon back; what fails for longer may be the question's fault."""
    broken = Failure(Trouble.AWAY, "HTTP 500", suspect=True)
    pauses = []
    while clock.now < 100 + 2 * breaker.HURRIED_SECONDS:
        assert made.admit("a")
        pauses.append((clock.now - 100, made.failed("a", broken)))
        clock.now += pauses[-1][1] + 0.001

    at_most = breaker.LONGEST_PAUSE * (1 + breaker.JITTER)
    assert all(pause <= at_most for since, pause in pauses if since < breaker.HURRIED_SECONDS)
    assert all(pause > at_most for since, pause in pauses if since > breaker.HURRIED_SECONDS)
