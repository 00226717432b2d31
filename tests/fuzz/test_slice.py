"""A small part of ``make fuzz``: for each way in so many inputs that all of them take seconds."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from hypothesis import strategies as st

from tests.fuzz.harness import Target, run
from tests.fuzz.targets import targets

pytestmark = pytest.mark.long

INPUTS = 800
NAMES = (
    "payload", "frame", "event", "body", "settings", "variables", "point", "duration", "control", "text", "stream",
    "exporter", "package json", "package csv", "log line",
    "search", "markdown",
)  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Target]]:
    """Return the targets by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with targets(tmp_path_factory.mktemp("fuzz")) as made:
            yield made


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore")
def test_whatever_comes_in_is_taken_or_refused(name: str, found: dict[str, Target]) -> None:
    """No other error comes out."""
    outcome = run(found[name], INPUTS)

    assert outcome.inputs >= INPUTS
    assert {fault: value for fault, value in outcome.faults.items() if fault != "too slow"} == {}


def test_every_way_in_has_a_slice(found: dict[str, Target]) -> None:
    """A new one is named here, too."""
    assert sorted(found) == sorted(NAMES)


def test_a_fault_is_noted_with_an_input() -> None:
    """And inputs that are refused are none."""

    def take(value: object) -> None:
        if isinstance(value, int) and value > 9:
            raise KeyError(value)
        raise ValueError

    outcome = run(Target("odd", st.integers(0, 100), take, (ValueError,)), 100)

    assert list(outcome.faults) == ["KeyError in ?"]
    assert int(next(iter(outcome.faults.values()))) > 9
    assert outcome.refused < outcome.inputs
