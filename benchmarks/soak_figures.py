"""What a soak came to: a line for each minute, and whether the memory grows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from bot.demo.judge import RunVerdict

WAL_LIMIT = 8.0
"""MB that the write-ahead log may reach at 50 messages a second."""

WARM_UP = 300.0
"""Seconds in which caches fill."""

NOTHING = 1.0
"""MiB an hour that are no growth: about six bytes a message at 50 a second."""

FEWEST = 3
"""Lines below which a slope has no spread."""


@dataclass(frozen=True, slots=True)
class Line:
    """One interval: its end in seconds since the start, and what was seen by then.

    ``rss`` is the median of the interval in MiB, ``wal`` the largest of the interval in MB, ``database`` in MB. ``cpu``
    (per cent of one processor) and ``cost`` (processor time a message, in microseconds) are the interval's own.
    """

    seconds: float
    rss: float
    wal: float
    database: float
    cpu: float
    cost: float
    posted: int
    recorded: int
    pending: int
    answered: int


@dataclass(frozen=True, slots=True)
class Growth:
    """A slope of the memory with its standard error, both in MiB an hour."""

    slope: float
    error: float

    @property
    def grows(self) -> bool:
        """Tell whether the memory grows by more than chance has it, two standard errors, and more than nothing."""
        return self.slope > max(2 * self.error, NOTHING)

    def __str__(self) -> str:
        """Say it."""
        what = "it grows" if self.grows else "no growth"
        return f"{self.slope:+.2f} ± {self.error:.2f} MiB an hour after {WARM_UP / 60:.0f} minutes: {what}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a soak ended; ``cut``: somebody ended it early."""

    lines: tuple[Line, ...]
    verdict: RunVerdict
    cut: bool

    @property
    def largest_wal(self) -> float:
        """Return the largest write-ahead log in MB."""
        return max((line.wal for line in self.lines), default=0.0)

    @property
    def growth(self) -> Growth | None:
        """Return how the memory grows, None if there are too few lines to tell."""
        return growth([(line.seconds, line.rss) for line in self.lines])

    def to_json(self) -> dict[str, Any]:
        """Return the closing object of ``--json``."""
        slope = self.growth
        return {
            "ok": self.verdict.ok,
            "cut": self.cut,
            "posted": self.verdict.posted,
            "recorded": self.verdict.recorded,
            "answered": self.verdict.answered,
            "lost": self.verdict.lost,
            "doubled": self.verdict.doubled,
            "out_of_order": self.verdict.out_of_order,
            "largest_wal_mb": self.largest_wal,
            "wal_limit_mb": WAL_LIMIT,
            "rss_growth": None if slope is None else {**asdict(slope), "grows": slope.grows},
        }


def growth(samples: Sequence[tuple[float, float]]) -> Growth | None:
    """Fit a line through (seconds, MiB) by least squares, the warm-up left out; None for fewer than three samples."""
    settled = [(seconds / 3600, size) for seconds, size in samples if seconds > WARM_UP]
    if len(settled) < FEWEST:
        return None
    middle, level = fmean(hour for hour, _ in settled), fmean(size for _, size in settled)
    spread = sum((hour - middle) ** 2 for hour, _ in settled)
    slope = sum((hour - middle) * (size - level) for hour, size in settled) / spread
    rest = sum((size - level - slope * (hour - middle)) ** 2 for hour, size in settled)
    return Growth(slope, (rest / (len(settled) - 2) / spread) ** 0.5)
