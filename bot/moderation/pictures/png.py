"""Draws a picture as PNG, with Pillow, which is an extra: it is imported when the first picture is drawn."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from bot.errors import EcholessError
from bot.moderation.pictures.shapes import Anchor, Line, Picture, Rect, Text

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

MISSING = "A picture takes: pip install 'echoless[pictures]'"
SCALE = 4
"""Points a unit while it is drawn; then four become one, so that slanted lines are smooth.

Two a unit are left: sharp where Discord shows the picture smaller, and on displays of many points.
"""
_ANCHORS: dict[Anchor, str] = {"start": "ls", "middle": "ms", "end": "rs"}
"""The names of Pillow (docs: text anchors): left, middle or right, on the base line."""


class PictureError(EcholessError):
    """Pictures can't be drawn here."""


def png(picture: Picture) -> bytes:
    """Return the picture as a file; raise PictureError without Pillow. Not on the loop: it takes 0.1 s."""
    try:
        from PIL import Image, ImageDraw  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise PictureError(f"{MISSING}.") from error
    image = Image.new("RGB", (picture.width * SCALE, picture.height * SCALE), picture.background)
    draw = ImageDraw.Draw(image)
    for shape in picture.shapes:
        match shape:
            case Rect():
                _rect(draw, shape)
            case Line():
                points = [(x * SCALE, y * SCALE) for x, y in shape.points]
                draw.line(points, fill=shape.stroke, width=round(shape.width * SCALE), joint="curve")
            case Text():
                _text(draw, shape)
    file = io.BytesIO()
    image.reduce(2).quantize(128).save(file, "PNG", optimize=True)
    return file.getvalue()


def _rect(draw: ImageDraw, shape: Rect) -> None:
    left, top = round(shape.x * SCALE), round(shape.y * SCALE)
    right, bottom = round((shape.x + shape.width) * SCALE), round((shape.y + shape.height) * SCALE)
    # Pillow's rectangles include their last point.
    draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), fill=shape.fill)


def _text(draw: ImageDraw, shape: Text) -> None:
    from PIL import ImageFont  # noqa: PLC0415 - an extra

    # Pillow's own font knows ASCII; what it has no sign for would be a box.
    said = shape.said.encode("ascii", "ignore").decode()
    font = ImageFont.load_default(shape.size * SCALE)
    draw.text((shape.x * SCALE, shape.y * SCALE), said, shape.fill, font, anchor=_ANCHORS[shape.anchor])
