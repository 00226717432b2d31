"""What the text of an answer may hold, and how much."""

from __future__ import annotations

import regex

MAX_UNITS = 20 * 2000
"""UTF-16 code units of an answer, about twenty messages."""
UNWANTED = regex.compile(r"[\x00-\x08\x0b-\x1f\x7f\p{Cs}]")
"""Control characters, and halves of characters."""


def units_of(text: str) -> int:
    """Return the length of a text in UTF-16 code units, as Discord counts."""
    return len(text.encode("utf-16-le")) // 2


def beginning(text: str, units: int) -> str:
    """Return what of a text fits into so many UTF-16 code units."""
    return text.encode("utf-16-le")[: units * 2].decode("utf-16-le", "ignore")
