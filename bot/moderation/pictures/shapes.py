"""What a picture is made of, whoever draws it: rectangles, lines and texts, the later ones above the earlier."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

Anchor = Literal["start", "middle", "end"]

CHARACTER = 0.65
"""A generous width of a character, in font sizes."""


class Rect(NamedTuple):
    """A filled rectangle; ``title`` is shown where a picture can be pointed at."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    title: str = ""


class Line(NamedTuple):
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    stroke: str
    width: float = 1.0


class Text(NamedTuple):
    """A text on one line; ``y`` is that of its base line, ``anchor`` the place in it that ``x`` is of."""

    x: float
    y: float
    said: str
    fill: str
    anchor: Anchor = "middle"
    size: float = 11.0

    @property
    def width(self) -> float:
        """Return about how wide it is."""
        return text_width(self.said, self.size)


Shape: TypeAlias = Rect | Line | Text


@dataclass(slots=True)
class Picture:
    """A picture; sizes in units, of which a drawer may make several points each."""

    width: int
    height: int
    background: str
    shapes: list[Shape] = field(default_factory=list)


def text_width(said: str, size: float) -> float:
    """Return about how wide a text is."""
    return len(said) * CHARACTER * size
