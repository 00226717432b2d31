"""The envelope of the event types that a program of its own brings along (see :mod:`bot.core.own`)."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field, JsonValue

from bot.core.events.base import Event, Form
from bot.core.events.vocabulary import Key, KeyKind
from bot.core.named_keys import digest_of, numbers_of


class OwnRecorded(Event):
    """An event of a program's own type happened: ``data`` are its fields in version ``v`` of ``type``.

    Everything that reads the log reads it, also without the program's class. ``words``: it was recorded with words.
    ``key_digest`` is that of the key under which the program records it once ("": as often as it says), and ``nth`` its
    place among the events that were recorded together under that key.
    """

    TYPE = "own.recorded"

    type: str
    v: int = Field(ge=1)
    data: dict[str, JsonValue]
    words: bool = False
    key_digest: str = ""
    nth: int = 0

    def key(self) -> Key | None:
        """Return ``own:<the two halves of the digest of nth and key>``, None without a key."""
        return Key(KeyKind.OWN, *numbers_of(digest_of(f"{self.nth}:{self.key_digest}"))) if self.key_digest else None

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
