"""What models took, as tables: the figures of ``/usage``, by day, channel, person and model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.moderation.usage import Sum, Usage, shown_day
from bot.money import dollar_text

MOST = 40
"""Rows of a table: the newest days, and of anything else the largest."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table; ``share`` is the length of its bar in percent of the longest."""

    name: str
    channel_id: int | None
    cells: Sequence[str]
    share: float


@dataclass(frozen=True, slots=True)
class Table:
    """A table of what was used, by what ``name`` says; ``more`` counts the rows that are left out."""

    name: str
    rows: Sequence[Row]
    more: int


def tables(found: Usage, names: Mapping[str, str]) -> Sequence[Table]:
    """Return the tables that have rows; ``names`` are those of channels."""
    days = {shown_day(day): each for day, each in sorted(found.days.items(), reverse=True)}
    made = (
        _table("day", days, {}),
        _table("channel", _by_size(found.channels), {**found.names, **names}),
        _table("person", _by_size(found.people), found.names),
        _table("model", _by_size(found.models), {}),
    )
    return [table for table in made if table.rows]


def _by_size(group: Mapping[str, Sum]) -> Mapping[str, Sum]:
    return dict(sorted(group.items(), key=lambda each: -each[1].tokens))


def _table(name: str, group: Mapping[str, Sum], names: Mapping[str, str]) -> Table:
    largest = max((each.tokens for each in group.values()), default=0) or 1
    rows = [
        Row(
            names.get(key) or key,
            int(key) if name == "channel" else None,
            (*(f"{count:,}" for count in (each.replies, each.failed, each.rehearsed, each.tokens)), _cost(each)),
            each.tokens * 100 / largest,
        )
        for key, each in group.items()
    ]
    return Table(name, rows[:MOST], max(0, len(rows) - MOST))


def _cost(each: Sum) -> str:
    """Return the cost; where a price is not known it is more than that."""
    return f"{dollar_text(each.cost_micros)}{f', {each.unpriced:,} unpriced' if each.unpriced else ''}"
