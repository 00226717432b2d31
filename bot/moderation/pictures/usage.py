"""The picture of ``echoless usage``: a bar for the tokens of each day, with its cost where there is room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from bot.moderation.pictures.chart import BLUE, Panel, Series, chart, counts, said, whole
from bot.moderation.pictures.shapes import Picture
from bot.moderation.usage import Sum
from bot.money import dollar_text


def drawn(days: Mapping[str, Sum]) -> Picture:
    """Return the picture; ``days`` by ISO date."""
    every = dict(_every_day(days))
    if not every:
        return said("No tokens were used.")
    span = min(days) if len(days) == 1 else f"{min(days)} to {max(days)}"
    tokens = Series(
        "tokens",
        BLUE,
        [each.tokens for each in every.values()],
        [_cost(each) if each.tokens else "" for each in every.values()],
        [f"{day}: {each}" for day, each in every.items()],
    )
    panel = Panel("tokens a day, and what they cost", (tokens,), 240, whole, counts)
    return chart(
        f"Tokens a day (UTC), {span}; the longest bar: {panel.largest:,.0f}", [day[5:] for day in every], (panel,)
    )


def _every_day(days: Mapping[str, Sum]) -> Iterator[tuple[str, Sum]]:
    """Yield the days from the first to the last, also those without use."""
    if not days:
        return
    first, last = (date.fromisoformat(day) for day in (min(days), max(days)))
    for number in range((last - first).days + 1):
        day = (first + timedelta(days=number)).isoformat()
        yield day, days.get(day, Sum())


def _cost(each: Sum) -> str:
    return "unpriced" if each.unpriced and not each.cost_micros else dollar_text(each.cost_micros, ",.2f")
