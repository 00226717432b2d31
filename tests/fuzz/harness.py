"""Gives targets inputs and notes each error that comes out, and each input that takes too long."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.odd import Strategy
from tests.fuzz.variants import variants

LONGEST = 0.1
"""Seconds of processor time that one input may take."""
BATCH = 500
"""What one run of Hypothesis draws, which remembers it all until its end."""
VARIANTS = 19
"""Inputs that are made from each that is drawn."""
_SHOWN = 300


@dataclass(frozen=True)
class Target:
    """What takes the inputs; ``refusals`` are the errors that its documentation names.

    ``fit`` turns a changed input into one that can come in: a file holds no lone surrogate, a variable no NUL.
    """

    name: str
    inputs: Strategy
    take: Callable[[Any], object]
    refusals: tuple[type[Exception], ...] = ()
    fit: Callable[[Any], Any] = lambda value: value


@dataclass
class Outcome:
    """What became of the inputs of one target.

    ``refused`` counts inputs that were refused. ``seconds`` of all and ``slowest`` of one are processor time.
    ``faults`` has an input for each kind of fault.
    """

    target: str
    inputs: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    faults: dict[str, str] = field(default_factory=dict)

    def take(self, target: Target, value: object) -> None:
        """Give the target an input."""
        refused, fault, spent = _given(target, value)
        if spent > LONGEST:
            # The first input of all may import something, and any may be interrupted.
            refused, fault, spent = _given(target, value)
        self.inputs += 1
        self.refused += refused
        self.seconds += spent
        self.slowest = max(self.slowest, spent)
        fault = fault or ("too slow" if spent > LONGEST else "")
        if fault and len(shown := repr(value)) < len(self.faults.get(fault, "x" * 10_000_000)):
            self.faults[fault] = shown[:_SHOWN]


def _given(target: Target, value: object) -> tuple[bool, str, float]:
    """Give a target an input; return whether it is refused, the fault if it is one, and the processor time."""
    began, fault, refused = time.process_time(), "", False
    try:
        target.take(value)
    except target.refusals:
        refused = True
    except Exception as error:  # noqa: BLE001 - every other error is what is looked for
        fault = _place_of(error)
    return refused, fault, time.process_time() - began


def run(target: Target, inputs: int, *, seconds: float = float("inf"), first: int = 0) -> Outcome:
    """Give a target so many inputs, or as many as fit into ``seconds``; ``first`` is the seed of the first batch."""
    outcome = Outcome(target.name)
    end = time.perf_counter() + seconds
    while outcome.inputs < inputs and time.perf_counter() < end:
        before = outcome.inputs
        left = -(-(inputs - outcome.inputs) // (VARIANTS + 1))
        _batch(target, min(BATCH, left), first, outcome)
        first += 1
        if outcome.inputs == before:
            break
    return outcome


def _batch(target: Target, drawn: int, number: int, outcome: Outcome) -> None:
    dice = Random(number)

    @seed(number)
    @settings(
        max_examples=drawn,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs)
    def take(value: object) -> None:
        for each in variants(value, VARIANTS, dice):
            outcome.take(target, target.fit(each))

    take()


def _place_of(error: Exception) -> str:
    """Return the type of an error and the last of our lines that it passed."""
    ours = [each for each in traceback.extract_tb(error.__traceback__) if "/bot/" in each.filename]
    where = f"{ours[-1].filename.rpartition('/bot/')[2]}:{ours[-1].lineno}" if ours else "?"
    return f"{type(error).__name__} in {where}"


def rows(outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return a table of outcomes, and an input for each fault."""
    lines = [f"{'target':<12} {'inputs':>9} {'refused':>9} {'seconds':>8} {'slowest':>9} {'faults':>6}"]
    lines += [
        f"{name:<12} {each.inputs:>9,} {each.refused:>9,} {each.seconds:>8.1f} {each.slowest * 1000:>6.1f} ms "
        f"{len(each.faults):>6}"
        for name, each in outcomes.items()
    ]
    lines += [f"{name}: {fault}: {value}" for name, each in outcomes.items() for fault, value in each.faults.items()]
    return lines
