"""The picture of ``/stats``: messages and replies, how soon these came, what got none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from bot.moderation.activity import A_DAY, AN_HOUR, Activity, Figures, brief_span
from bot.moderation.pictures.chart import BLUE, GREEN, ORANGE, RED, YELLOW, Panel, Series, chart, counts, said, whole
from bot.moderation.pictures.shapes import Picture
from bot.moderation.text import count_text
from bot.times import HOUR, SECOND, iso_time

MOST_SLOTS = 120
"""More would be thinner than the eye sees: they are put together."""
_NAMES: Mapping[int, str] = MappingProxyType({AN_HOUR: "an hour", A_DAY: "a day", 7 * A_DAY: "a week"})
_TIMES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600)
"""Seconds between the numbers of a scale of time, from a second on."""


def drawn(found: Activity) -> Picture:
    """Return the picture."""
    step, slots = _fitting(found)
    if not slots:
        return said("Nothing was written and nothing answered in this time.")
    figures = [each for _, each in slots]
    panels = [_written(figures, _NAMES.get(step, f"in {step // A_DAY} days"))]
    if found.total.latency:
        panels.append(_latency(figures))
    if found.total.skipped or found.total.given_up:
        panels.append(_unanswered(figures))
    where = "" if found.wanted.channels is None else f", {count_text(len(found.channels), 'channel')}"
    first, last = iso_time(slots[0][0] * HOUR)[:10], iso_time(found.wanted.until)[:10]
    span = first if first == last else f"{first} to {last}"
    return chart(f"Activity, {span} (UTC){where}", _labels(slots, step), panels)


def _fitting(found: Activity) -> tuple[int, list[tuple[int, Figures]]]:
    """Return the slots with their length in hours; too many are put together, days by whole weeks."""
    slots = list(found.every_slot())
    whole = 7 if found.wanted.step == A_DAY else 24
    several = 1 if len(slots) <= MOST_SLOTS else whole * -(-len(slots) // (whole * MOST_SLOTS))
    joined = []
    for group in _groups(slots, several):
        total = Figures()
        for _, each in group:
            total.join(each)
        joined.append((group[0][0], total))
    return found.wanted.step * several, joined


def _groups(slots: Sequence[tuple[int, Figures]], size: int) -> Iterator[Sequence[tuple[int, Figures]]]:
    return (slots[start : start + size] for start in range(0, len(slots), size))


def _labels(slots: Sequence[tuple[int, Figures]], step: int) -> list[str]:
    """Return the names of the slots: the hour, or the day, with its year where there are several years."""
    times = [iso_time(hour * HOUR) for hour, _ in slots]
    if step < A_DAY:
        return [each[11:16] if each[11:13] != "00" else each[5:10] for each in times]
    return [each[:10] if times[0][:4] != times[-1][:4] else each[5:10] for each in times]


def _written(figures: Sequence[Figures], a_slot: str) -> Panel:
    messages = Series("messages", BLUE, [each.messages for each in figures])
    replies = Series("replies", GREEN, [each.replies for each in figures])
    return Panel(f"messages and replies {a_slot}", (messages, replies), 180, whole, counts)


def _latency(figures: Sequence[Figures]) -> Panel:
    half = Series("half of the replies", GREEN, [_seconds(each.within(0.5)) for each in figures])
    most = Series("95 % of the replies", YELLOW, [_seconds(each.within(0.95)) for each in figures])
    return Panel("replies came within", (half, most), 140, _time, _seconds_apart, lines=True)


def _unanswered(figures: Sequence[Figures]) -> Panel:
    skipped = Series("skipped", RED, [each.skipped.total() for each in figures])
    given_up = Series("given up", ORANGE, [each.given_up.total() for each in figures])
    return Panel("without a reply", (skipped, given_up), 110, whole, counts, stacked=True)


def _time(value: float) -> str:
    return "0" if not value else f"{value:g} s" if value < 60 else brief_span(round(value * SECOND))  # noqa: PLR2004


def _seconds(length: int | None) -> float | None:
    return None if length is None else length / SECOND


def _seconds_apart() -> Iterator[float]:
    for power in (0.001, 0.01, 0.1):
        yield from (power, 2 * power, 5 * power)
    yield from _TIMES
    yield from (86_400 * each for each in counts())
