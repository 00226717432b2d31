"""Makes pictures fit for a model, with Pillow, which is an extra: small enough, in a format that the model takes.

A picture is drawn anew, so that nothing of its file goes along but what one sees: no place where a photo was taken, no
comments, no further frames. It stands as it is meant to be seen (EXIF's orientation).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bot.responders.llm.settings import PictureLimits
from bot.responders.llm.unread import Unread

if TYPE_CHECKING:
    from PIL.Image import Image

MISSING = "pictures take: pip install 'echoless[pictures]'"
MOST_PIXELS = 40_000_000
"""Points of a picture that is read: decoded they take four bytes each, however small the file is."""
_TOO_LARGE = "it has too many points"
_DAMAGED = "its picture is damaged"
_READ = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "AVIF")
"""Formats that are read. Pillow knows many more, few of which anybody posts and all of which strangers could."""
_LEAST_SIDE = 32
_ALPHA = ("png", "webp")
_QUALITIES = (85, 60)


def installed() -> bool:
    """Tell whether the library is there that reads pictures."""
    return find_spec("PIL") is not None


def fitted(data: bytes, limits: PictureLimits) -> tuple[str, bytes]:
    """Return media type and bytes of a picture within limits; raise Unread. Not on the loop: it may take a second."""
    if not installed():
        raise Unread(MISSING)
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - an extra

    try:
        with Image.open(io.BytesIO(data), formats=_READ) as image:
            lossless = image.format in ("PNG", "GIF", "BMP")
            drawn = _drawn(image, limits.side)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unread(_TOO_LARGE) from error
    except UnidentifiedImageError as error:
        raise Unread("it is no picture of a kind that can be read") from error
    except Unread:
        raise
    except Exception as error:  # a decoder may raise anything at a damaged file
        raise Unread(_DAMAGED) from error
    return _encoded(drawn, limits, lossless=lossless)


def _drawn(image: Image, side: int) -> Image:
    """Return an image's first frame, upright, at most ``side`` points long, in RGB or RGBA; raise Unread."""
    from PIL import ImageOps  # noqa: PLC0415 - an extra

    if image.width * image.height > MOST_PIXELS:
        raise Unread(_TOO_LARGE)
    transparent = image.has_transparency_data
    if image.format != "JPEG":
        # Palettes can't be scaled. A JPEG is decoded at about the size that is wanted, if it is scaled first.
        image = _converted(image, transparent=transparent)
    image.thumbnail((side, side), reducing_gap=2.0)
    image = _converted(ImageOps.exif_transpose(image), transparent=transparent)
    image.info = {}
    return image


def _converted(image: Image, *, transparent: bool) -> Image:
    if image.mode.startswith(("I", "F")):
        # Sixteen bits a point, which Pillow would cut off instead of scaling.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    kept = image.info.get("exif")
    image = image.convert("RGBA" if transparent else "RGB")
    if kept:
        image.info["exif"] = kept
    if transparent and image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    return image


def _encoded(image: Image, limits: PictureLimits, *, lossless: bool) -> tuple[str, bytes]:
    """Return the first form of an image that is small enough, halving it until one is."""
    while True:
        for kind, data in _forms(image, limits.formats, lossless=lossless):
            if len(data) <= limits.bytes:
                return f"image/{kind}", data
        if max(image.size) < 2 * _LEAST_SIDE:
            raise Unread("it can't be made small enough")
        image = image.reduce(2)


def _forms(image: Image, formats: tuple[str, ...], *, lossless: bool) -> Iterator[tuple[str, bytes]]:
    """Yield an image in the formats that a model takes, the best one first."""
    alpha = [kind for kind in formats if kind in _ALPHA]
    if image.mode == "RGBA" and alpha:
        yield alpha[0], _saved(image, alpha[0], _QUALITIES[0])
    flat = _flat(image)
    first = "png" if lossless else "jpeg"
    for kind in sorted(formats, key=lambda kind: kind != first):
        for quality in _QUALITIES if kind != "png" else _QUALITIES[:1]:
            yield kind, _saved(flat, kind, quality)


def _flat(image: Image) -> Image:
    """Return an image on white, as most of what is transparent is meant to be seen."""
    if image.mode != "RGBA":
        return image
    from PIL import Image as Images  # noqa: PLC0415 - an extra

    paper = Images.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _saved(image: Image, kind: str, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, kind.upper(), **({} if kind == "png" else {"quality": quality}))
    return file.getvalue()
