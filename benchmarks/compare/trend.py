"""How the ratios went from commit to commit: a line for each run in a file, and a table that marks slower commits.

A commit counts as slower in a row if it lies beyond the spread: the middle halves of its rounds and of those of the
commit before have no value in common. Runs of one commit on one machine count as one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.compare.results import FOLDER, revision_of, rows_of
from benchmarks.compare.revision import Revision

PATH = FOLDER / "trend.jsonl"
SHOWN = 8
"""How many commits the table shows, the newest ones."""

MARK = "slower"
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """The ratios of one row, one a round; ``more``: a larger one is better."""

    rounds: tuple[float, ...]
    more: bool

    def slower_than(self, before: Figure) -> bool:
        """Tell whether this is worse than before by more than the rounds of either differ."""
        (low, high), (early_low, early_high) = _middle(self.rounds), _middle(before.rounds)
        return high < early_low if self.more else low > early_high


@dataclass(frozen=True, slots=True)
class Entry:
    """What was measured at one revision on one machine; ``date`` is that of the newest run."""

    machine: str
    revision: Revision
    date: str
    figures: Mapping[str, Figure]

    def to_json(self) -> dict[str, Any]:
        """Return it as a line of the file."""
        return {
            "machine": self.machine,
            "commit": self.revision.commit,
            "clean": self.revision.clean,
            "date": self.date,
            "ratios": {
                name: {"rounds": figure.rounds, "more_is_better": figure.more} for name, figure in self.figures.items()
            },
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Entry:
        """Return the entry that was stored."""
        figures = {
            name: Figure(tuple(figure["rounds"]), figure["more_is_better"]) for name, figure in stored["ratios"].items()
        }
        return cls(stored["machine"], Revision(stored["commit"], stored["clean"]), stored["date"], figures)


def entry(found: Mapping[str, Any]) -> Entry:
    """Return the entry of a run; rows without a ratio have no trend."""
    figures = {
        row.name: Figure(tuple(float(f"{ratio:.{_DIGITS}g}") for ratio in row.ratios), row.more_is_better)
        for row in rows_of(found)
        if row.ratios
    }
    return Entry(found["name"], revision_of(found), found["date"], figures)


def append(path: Path, one: Entry) -> None:
    """Add a run to the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(one.to_json(), ensure_ascii=False) + "\n")


def read(path: Path) -> list[Entry]:
    """Return the runs in the file, in the order in which they were added."""
    if not path.exists():
        return []
    return [Entry.from_json(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def by_revision(entries: Iterable[Entry]) -> list[Entry]:
    """Make one entry of the runs of each revision, in the order of the first ones."""
    merged: dict[tuple[str, Revision], Entry] = {}
    for one in entries:
        key = (one.machine, one.revision)
        merged[key] = _together(merged[key], one) if key in merged else one
    return list(merged.values())


def _together(early: Entry, late: Entry) -> Entry:
    figures = {
        name: Figure((*early.figures[name].rounds, *figure.rounds), figure.more) if name in early.figures else figure
        for name, figure in late.figures.items()
    }
    return Entry(late.machine, late.revision, late.date, {**early.figures, **figures})


def show(screen: Console, path: Path) -> None:
    """Print a table for each machine."""
    entries = by_revision(read(path))
    if not entries:
        screen.print(f"{path} holds no run yet: make bench adds one.")
    for machine in dict.fromkeys(one.machine for one in entries):
        screen.print(table(machine, [one for one in entries if one.machine == machine]))


def table(machine: str, entries: Sequence[Entry]) -> Table:
    """Make the table of one machine, whose commits are columns."""
    shown = entries[-SHOWN:]
    made = Table("ratio", title=machine, caption=f"{MARK}: than the commit before, by more than the rounds differ")
    for one in shown:
        made.add_column(f"{one.revision}\n{one.date[:10]}", justify="right")
    befores = [None, *entries][-len(shown) - 1 : -1]
    for name in dict.fromkeys(name for one in shown for name in one.figures):
        made.add_row(name, *(cell(name, before, one) for before, one in zip(befores, shown, strict=True)))
    return made


def cell(name: str, before: Entry | None, now: Entry) -> str:
    """Return the median ratio of a row, with a mark if it is slower than before."""
    if name not in now.figures:
        return "-"
    figure = now.figures[name]
    slower = before is not None and name in before.figures and figure.slower_than(before.figures[name])
    text = f"{median(figure.rounds):.3g}"
    return f"[red]{MARK}[/] {text}" if slower else text


def _middle(rounds: Sequence[float]) -> tuple[float, float]:
    """Return the bounds of the middle half."""
    if len(rounds) == 1:
        return rounds[0], rounds[0]
    low, _, high = quantiles(rounds, n=4, method="inclusive")
    return low, high
