"""``echoless usage --svg``: a picture with a bar for the tokens of each day. Its width is always the same."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from bot.moderation.usage import Sum
from bot.money import dollar_text

WIDTH, HEIGHT = 760, 300
TOP, BOTTOM, SIDE = 56, 32, 40
"""Margins in the picture's units."""
CHARACTER = 6.2
"""About the width of a character at font size 10."""
WIDEST_SLOT, GAP = 48, 0.25
"""The largest width of a day, unless the text above its bar is wider, and the share of it that is a gap."""


def picture(days: Mapping[str, Sum]) -> str:
    """Return an SVG with a bar for each day, its date and, if there is room, its cost; ``days`` by ISO date."""
    whole = dict(_every_day(days))
    costs = {day: _cost(each) for day, each in whole.items() if each.tokens}
    room = max((len(cost) for cost in costs.values()), default=0) * CHARACTER + 8
    slot = min((WIDTH - 2 * SIDE) / max(len(whole), 1), max(WIDEST_SLOT, room))
    step = math.ceil((len("00-00") * CHARACTER + 4) / slot)
    largest = max((each.tokens for each in whole.values()), default=0) or 1
    parts = [_title(whole, largest), *_frame()]
    for number, (day, each) in enumerate(whole.items()):
        middle = SIDE + (number + 0.5) * slot
        parts += _bar(middle, slot * (1 - GAP), each, largest, day)
        if room <= slot and day in costs:
            parts.append(_text(middle, _base() - _tall(each, largest) - 6, costs[day]))
        if number % step == 0:
            parts.append(_text(middle, _base() + 16, day[5:]))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="10" text-anchor="middle">\n{body}\n</svg>\n'
    )


def _every_day(days: Mapping[str, Sum]) -> Iterator[tuple[str, Sum]]:
    """Yield the days from the first to the last, also those without use."""
    if not days:
        return
    first, last = (date.fromisoformat(day) for day in (min(days), max(days)))
    for number in range((last - first).days + 1):
        day = (first + timedelta(days=number)).isoformat()
        yield day, days.get(day, Sum())


def _title(days: Mapping[str, Sum], largest: int) -> str:
    if not days:
        return _text(WIDTH / 2, HEIGHT / 2, "No tokens were used.")
    span = min(days) if len(days) == 1 else f"{min(days)} to {max(days)}"
    said = f"Tokens a day (UTC), {span}; the longest bar: {largest:,}"
    return f'<text x="{SIDE}" y="20" font-size="12" text-anchor="start">{said}</text>'


def _frame() -> tuple[str, str]:
    return (
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#cccccc"/>',
        f'<line x1="{SIDE}" y1="{_base()}" x2="{WIDTH - SIDE}" y2="{_base()}" stroke="#888888"/>',
    )


def _bar(middle: float, width: float, each: Sum, largest: int, day: str) -> Iterator[str]:
    if each.tokens:
        tall = _tall(each, largest)
        yield (
            f'<rect x="{middle - width / 2:.1f}" y="{_base() - tall}" width="{width:.1f}" height="{tall}" '
            f'fill="#5865f2"><title>{day}: {each}</title></rect>'
        )


def _text(x: float, y: float, said: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.0f}">{said}</text>'


def _tall(each: Sum, largest: int) -> int:
    return max(1, round((_base() - TOP) * each.tokens / largest))


def _base() -> int:
    return HEIGHT - BOTTOM


def _cost(each: Sum) -> str:
    return "unpriced" if each.unpriced and not each.cost_micros else dollar_text(each.cost_micros, ",.2f")
