"""Every test on a machine that booted just now: the monotonic clock, and with it each event loop's, begins at 0.

A literal such as 0.0 is no "long ago" on that clock, whatever it seems on a machine that has run for weeks.
"""

from __future__ import annotations

import time
from collections.abc import Generator

import pytest

since_boot = time.monotonic


class Clock:
    """A monotonic clock that can begin anew."""

    def __init__(self) -> None:
        self.began = 0.0

    def __call__(self) -> float:
        """Return the seconds since it began."""
        return since_boot() - self.began

    def go_on(self, seconds: float) -> None:
        """Let time pass at once."""
        self.began -= seconds


_clock = Clock()
# Before anything of ours is imported: what keeps the function keeps this one.
time.monotonic = _clock


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Let the clock begin with the test."""
    _clock.began = since_boot()
    return (yield)


@pytest.fixture
def clock() -> Clock:
    """Return the clock of this test."""
    return _clock
