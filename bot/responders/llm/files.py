"""Read a question's attachments for a model: texts and, for a model with vision, images."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable
from dataclasses import dataclass

from bot.responders.llm.fence import quoted, safe_name
from bot.responders.protocol import Attached, File

IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""The types of images that models with vision accept."""

_SEEN = "image/"
_NO_TEXT = (_SEEN, "audio/", "video/")


@dataclass(frozen=True, slots=True)
class Reading:
    """Titles and texts of the text files, the images, a line for each unread file, and the ids of all read files."""

    texts: tuple[tuple[str, str], ...]
    images: tuple[File, ...]
    unread: tuple[str, ...]
    ids: tuple[int, ...]


def readable(file: Attached, *, images: bool, limit: int) -> bool:
    """Tell before a file is fetched whether it may be readable; ``limit`` is in bytes (0: no file is read)."""
    kind = _kind(file)
    return 0 < file.size <= limit and (
        kind in IMAGES if kind.startswith(_SEEN) and images else not kind.startswith(_NO_TEXT)
    )


def read(files: Iterable[File], *, images: bool, limit: int) -> Reading:
    """Read files, each by its content and type; files of more than ``limit`` bytes are not read."""
    texts: list[tuple[str, str]] = []
    shown: list[File] = []
    unread: list[str] = []
    ids: list[int] = []
    for file in files:
        title = f"file {quoted(safe_name(file.name))}"
        text = _text(file) if len(file.data) <= limit else None
        if text is not None:
            texts.append((title, text))
        elif images and file.data and len(file.data) <= limit and _kind(file) in IMAGES:
            shown.append(file)
        else:
            unread.append(f"{title}, which you can't read")
            continue
        ids.append(file.id)
    return Reading(tuple(texts), tuple(shown), tuple(unread), tuple(ids))


def _kind(file: File | Attached) -> str:
    return file.content_type.partition(";")[0].strip().lower()


def _text(file: File) -> str | None:
    """Return the text of a file, or None if its content is no text, even if its type says so.

    A text that says in its first bytes that it is UTF-16 is read as that; one that is not UTF-8 as Windows' form of
    Latin-1, if its type says that it is a text.
    """
    data, kind = file.data, _kind(file)
    if kind.startswith(_NO_TEXT):
        return None
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return _decoded(data, "utf-16") or None
    if b"\0" in data:
        return None
    text = _decoded(data, "utf-8-sig")
    return _decoded(data, "cp1252") if text is None and kind.startswith("text/") else text


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
