"""What is made of samples: medians, percentiles, ratios of each round, and whether a target is met. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

Samples = tuple[float, ...]
"""One figure of each round, in order: what stands at the same place was measured side by side."""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that ``share`` (0 to 1) of ``values`` do not exceed."""
    ordered = sorted(values)
    exact = share * len(ordered)
    rank = int(exact) if exact == int(exact) else int(exact) + 1
    return ordered[max(rank, 1) - 1]


@dataclass(frozen=True, slots=True)
class Target:
    """Be at most, or ``at_least``, ``factor`` times the contender's figure ``plus`` some of its unit."""

    factor: float
    at_least: bool = False
    plus: float = 0.0

    def reach(self, ours: float, theirs: float) -> float:
        """Return how much of the target is reached: from 1 on it is met."""
        allowed = self.factor * theirs + self.plus
        return ours / allowed if self.at_least else allowed / ours

    def text(self, unit: str) -> str:
        """Say it in a cell."""
        sign = "≥" if self.at_least else "≤"
        more = f" + {self.plus:g} {unit}" if self.plus else ""
        return f"{sign} {self.factor:g} x{more}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; without ``contender`` or ``target`` it only tells."""

    what: str
    unit: str
    ours: Samples
    contender: str = ""
    theirs: Samples = ()
    target: Target | None = None
    note: str = ""

    @property
    def name(self) -> str:
        """Return what tells it from all others."""
        return f"{self.what} / {self.contender}" if self.contender else self.what

    @property
    def more_is_better(self) -> bool:
        """Tell the direction: rates shall be high; times, bytes and memory low."""
        return self.unit.endswith("/s")

    @property
    def ratios(self) -> Samples:
        """Return each round's ratio; ratios of different rounds mean nothing."""
        return tuple(ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)) if self.theirs else ()

    @property
    def ratio(self) -> float | None:
        """Return the median of the rounds' ratios."""
        return median(self.ratios) if self.theirs else None

    @property
    def reach(self) -> float | None:
        """Return the median of how much of the target the rounds reached, None where there is no target."""
        if self.target is None or not self.theirs:
            return None
        return median(self.target.reach(*pair) for pair in zip(self.ours, self.theirs, strict=True))

    @property
    def met(self) -> bool | None:
        """Tell whether the target is met, None where there is none."""
        return None if self.reach is None else self.reach >= 1

    def to_json(self) -> dict[str, Any]:
        """Return it with what follows from it."""
        follows = {
            "median_ours": median(self.ours),
            "median_theirs": median(self.theirs) if self.theirs else None,
            "ratio": self.ratio,
            "reach": self.reach,
            "met": self.met,
        }
        return asdict(self) | follows

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Row:
        """Return the row that was stored; what follows from the samples is computed anew."""
        target = stored["target"]
        return cls(
            what=stored["what"],
            unit=stored["unit"],
            ours=tuple(stored["ours"]),
            contender=stored["contender"],
            theirs=tuple(stored["theirs"]),
            target=None if target is None else Target(**target),
            note=stored["note"],
        )


def fixed(what: str, unit: str, ours: Samples, limit: float) -> Row:
    """Return a row that is judged by a limit and not by a contender: its ratio is the share of the limit."""
    return Row(what, unit, ours, f"a limit of {limit:g} {unit}", (limit,) * len(ours), Target(1))


@dataclass(slots=True)
class Samplings:
    """Collects figures by name while rounds go on."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Take a figure of this round."""
        self.values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> Samples:
        """Return the figures of all rounds."""
        return tuple(self.values[name])

    def __contains__(self, name: str) -> bool:
        """Tell whether a figure of this name was taken."""
        return name in self.values
