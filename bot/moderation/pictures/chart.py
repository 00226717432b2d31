"""A picture of panels above one another, with a slot of the same place in each for every day, hour or week."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.moderation.pictures.shapes import Line, Picture, Rect, Shape, Text, text_width

WIDTH = 640
BACKGROUND, INK, FAINT, GRID = "#2b2d31", "#f2f3f5", "#b5bac1", "#45474e"
BLUE, GREEN, YELLOW, RED, ORANGE = "#7c86f7", "#57d98a", "#f2c94c", "#f0616d", "#f2994a"
"""Light on dark, with a ground of its own, so that it is read on a dark and on a light page."""
SIDE, HEAD, FOOT = 16, 34, 26
"""Margins: left and right, above the panels with the title, below with the dates."""
TITLE_ROOM = 24
"""Above the plot of each panel, for its title and the names of its series."""
WIDEST_SLOT, GAP = 48.0, 0.25
"""The largest width of a slot, unless a note above its bar is wider, and the share of it that is a gap."""
TICKS = 4
SMALL, LARGE = 11.0, 14.0
_LEFT = 40
"""At least so much is left of the slots, so that a whole date finds room below the first one."""
_SWATCH = 9


@dataclass(frozen=True, slots=True)
class Series:
    """A number for each slot (None: none). ``notes`` stand above its bars where there is room, ``titles`` over them."""

    name: str
    colour: str
    values: Sequence[float | None]
    notes: Sequence[str] = ()
    titles: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """Series over one scale: bars, the later in front of the earlier, ``stacked`` above one another, or ``lines``.

    ``tick`` names a number of the scale, ``steps`` are the distances that its numbers may have, in order.
    """

    title: str
    series: Sequence[Series]
    height: int
    tick: Callable[[float], str]
    steps: Callable[[], Iterator[float]]
    lines: bool = False
    stacked: bool = False

    @property
    def largest(self) -> float:
        """Return the largest number of the scale that is needed."""
        rows = [[value or 0.0 for value in each.values] for each in self.series]
        sums = [sum(row) for row in zip(*rows, strict=True)] if self.stacked else [each for row in rows for each in row]
        return max(sums, default=0.0)

    @property
    def scale(self) -> list[float]:
        """Return the numbers of the scale, from 0 to one that is not below the largest."""
        top = self.largest
        step = next(each for each in self.steps() if each * TICKS >= top)
        return [step * number for number in range(max(1, math.ceil(top / step)) + 1)]


def counts() -> Iterator[float]:
    """Yield 1, 2, 5, 10, 20, 50 and so on."""
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10


def whole(value: float) -> str:
    """Return a number of a scale of whole ones."""
    return f"{value:,.0f}"


def chart(title: str, labels: Sequence[str], panels: Sequence[Panel]) -> Picture:
    """Return the picture; ``labels`` name the slots, of which there is at least one, as many as there is room for."""
    height = HEAD + sum(panel.height for panel in panels) + FOOT
    size = min(LARGE, LARGE * (WIDTH - 2 * SIDE) / text_width(title, LARGE))
    picture = Picture(WIDTH, height, BACKGROUND, [Text(SIDE, 22, title, INK, "start", size)])
    ticks = max(text_width(panel.tick(each), SMALL) for panel in panels for each in panel.scale)
    frame = _Frame(max(SIDE + ticks + 6, _LEFT), WIDTH - SIDE, len(labels), _widest_note(panels))
    top = float(HEAD)
    for panel in panels:
        picture.shapes += _panel(panel, frame, top)
        top += panel.height
    picture.shapes += _dates(frame, labels, top + 16)
    return picture


def said(sentence: str) -> Picture:
    """Return a picture that only says something."""
    return Picture(WIDTH, 80, BACKGROUND, [Text(WIDTH / 2, 44, sentence, INK, "middle", LARGE)])


class _Frame:
    """Where the slots are."""

    def __init__(self, left: float, right: float, slots: int, note: float) -> None:
        self.left, self.right = left, right
        self.slot = min((right - left) / slots, max(WIDEST_SLOT, note + 8))
        self.bar = max(self.slot * (1 - GAP), min(self.slot, 1.0))

    def middle(self, number: int) -> float:
        return self.left + (number + 0.5) * self.slot


def _widest_note(panels: Sequence[Panel]) -> float:
    notes = (note for panel in panels for series in panel.series for note in series.notes)
    return max((text_width(note, SMALL) for note in notes), default=0.0)


def _panel(panel: Panel, frame: _Frame, top: float) -> Iterator[Shape]:
    base = top + panel.height - 10
    tall = panel.height - TITLE_ROOM - 18
    scale = panel.scale

    def y(value: float) -> float:
        return base - tall * value / scale[-1]

    yield Text(SIDE, top + 14, panel.title, FAINT, "start", SMALL)
    yield from _legend(panel, top + 14)
    for each in scale:
        yield Line(((frame.left, y(each)), (frame.right, y(each))), GRID)
        yield Text(frame.left - 6, y(each) + 4, panel.tick(each), FAINT, "end", SMALL)
    yield from (_lines if panel.lines else _bars)(panel, frame, y)


def _legend(panel: Panel, y: float) -> Iterator[Shape]:
    right = float(WIDTH - SIDE)
    for series in reversed(panel.series if len(panel.series) > 1 else ()):
        left = right - text_width(series.name, SMALL)
        yield Text(left, y, series.name, INK, "start", SMALL)
        yield Rect(left - _SWATCH - 5, y - _SWATCH, _SWATCH, _SWATCH, series.colour)
        right = left - _SWATCH - 15


def _bars(panel: Panel, frame: _Frame, y: Callable[[float], float]) -> Iterator[Shape]:
    below = [0.0] * max(len(series.values) for series in panel.series)
    for place, series in enumerate(panel.series):
        # One in front is narrower, so that the one behind is seen beside it.
        width = frame.bar if panel.stacked else frame.bar * 0.6**place
        for number, value in enumerate(series.values):
            if not value:
                continue
            bottom = y(below[number])
            top = min(y(below[number] + value), bottom - 1)
            title = series.titles[number] if series.titles else ""
            yield Rect(frame.middle(number) - width / 2, top, width, bottom - top, series.colour, title)
            if series.notes and _widest_note((panel,)) <= frame.slot:
                yield Text(frame.middle(number), top - 5, series.notes[number], INK, "middle", SMALL)
            if panel.stacked:
                below[number] += value


def _lines(panel: Panel, frame: _Frame, y: Callable[[float], float]) -> Iterator[Shape]:
    """Yield the lines, broken where there is no number; each number also has a dot, so that one alone is seen."""
    dot = min(max(frame.slot / 3, 2.0), 5.0)
    for series in panel.series:
        points = [
            None if value is None else (frame.middle(number), y(value)) for number, value in enumerate(series.values)
        ]
        run: list[tuple[float, float]] = []
        for point in (*points, None):
            if point is not None:
                run.append(point)
                yield Rect(point[0] - dot / 2, point[1] - dot / 2, dot, dot, series.colour)
            elif run:
                yield Line(tuple(run), series.colour, 1.5)
                run = []


def _dates(frame: _Frame, labels: Sequence[str], y: float) -> Iterator[Shape]:
    widest = max(text_width(label, SMALL) for label in labels)
    step = math.ceil((widest + 8) / frame.slot)
    for number in range(0, len(labels), step):
        middle = frame.middle(number)
        if middle + widest / 2 <= WIDTH:
            yield Text(middle, y, labels[number], FAINT, "middle", SMALL)
