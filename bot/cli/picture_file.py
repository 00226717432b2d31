"""The option with which a command draws its figures into a file."""

from __future__ import annotations

from pathlib import Path

import click

from bot.cli.new_file import new_file
from bot.moderation.pictures.png import png
from bot.moderation.pictures.shapes import Picture
from bot.moderation.pictures.svg import svg


def _svg(picture: Picture) -> bytes:
    return svg(picture).encode()


_DRAWERS = {".svg": _svg, "": _svg, ".png": png}


class PictureFile(click.Path):
    """A path whose ending says how the picture is drawn: as PNG, else as SVG."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path; refuse one with another ending."""
        path = Path(str(super().convert(str(value), param, ctx)))
        if path.suffix.lower() not in _DRAWERS:
            self.fail(f"{path} says not how to draw it: let it end in .svg, or in .png.", param, ctx)
        return path


def write_picture(path: Path, picture: Picture) -> None:
    """Write a picture into a file, in the place of one; raise PictureError for a PNG without Pillow."""
    content = _DRAWERS[path.suffix.lower()](picture)
    with new_file(path, force=True) as file:
        file.buffer.write(content)
