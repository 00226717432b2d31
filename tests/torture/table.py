"""What a command of the torture is given, and what it gives back: rows of a table, and whether that is good enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """How many changes to make, and the seed of everything that is random."""

    count: int
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one command: ``rows`` have the same columns, ``problems`` is what must not have happened."""

    title: str
    rows: tuple[Mapping[str, Any], ...]
    problems: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Tell whether nothing happened that must not."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return {"good": self.good, "problems": self.problems, "rows": self.rows}

    def table(self) -> Table:
        """Return everything for eyes."""
        table = Table(title=self.title, caption="\n".join(self.problems) or None, caption_style="red")
        for name, value in self.rows[0].items():
            table.add_column(name, justify="right" if isinstance(value, int) else "left")
        for row in self.rows:
            table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()))
        return table


def with_progress(what: str, items: Iterable[T], total: int) -> Iterator[T]:
    """Yield ``items`` and show a bar on stderr meanwhile, on a terminal."""
    screen = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        for item in items:
            yield item
            bar.advance(task)
