"""The envelope of the event types that a program of its own brings along (see :mod:`bot.core.own`)."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from pydantic import Field, JsonValue

from bot.core.events.base import Event, Form
from bot.core.events.vocabulary import Key, KeyKind

_HALF = 8
"""Bytes of each of the two numbers that stand for a key."""


def key_of_text(kind: KeyKind, text: str, nth: int = 0) -> Key:
    """Return the dedupe key that stands for a text of the caller's: 128 bits of its SHA-256.

    ``nth`` tells events apart that were recorded together under one text.
    """
    digest = sha256(f"{nth}:{text}".encode(errors="surrogatepass")).digest()
    first, second = digest[:_HALF], digest[_HALF : 2 * _HALF]
    return Key(kind, int.from_bytes(first, "big", signed=True), int.from_bytes(second, "big", signed=True))


class OwnRecorded(Event):
    """An event of a program's own type happened: ``data`` are its fields in version ``v`` of ``type``.

    Everything that reads the log reads it, also without the program's class. ``words``: it was recorded with words.
    ``once`` is the text under which the program records it once ("": as often as it says), and ``nth`` its place among
    the events that were recorded together under that text.
    """

    TYPE = "own.recorded"

    type: str
    v: int = Field(ge=1)
    data: dict[str, JsonValue]
    words: bool = False
    once: str = ""
    nth: int = 0

    def key(self) -> Key | None:
        """Return ``own:<hash of once and nth>``, None without ``once``."""
        return key_of_text(KeyKind.OWN, self.once, self.nth) if self.once else None

    def worded(self) -> bool:
        """Tell whether it was recorded with words."""
        return self.words

    @property
    def own_form(self) -> Form:
        """Return the type and version that the program gave it."""
        return Form(self.type, self.v)

    def values(self) -> Iterator[JsonValue]:
        """Yield every text and every number in ``data``."""
        return _values(self.data)


def _values(value: JsonValue) -> Iterator[JsonValue]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _values(each)
    else:
        yield value
