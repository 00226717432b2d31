"""Text from bots and people, made fit for a terminal: the one place where it is cleaned."""

from __future__ import annotations

import unicodedata

_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSAFE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TAB = "    "


def printable(text: object) -> str:
    """Return text on one line, with everything escaped that could drive a terminal or turn its direction."""
    return "".join(_escaped(character) for character in str(text).replace("\t", _TAB))


def printable_lines(text: object) -> list[str]:
    """Return text line by line, each as :func:`printable` makes it; the lines stay what they are."""
    return [printable(line) for line in str(text).replace("\r\n", "\n").split("\n")]


def _escaped(character: str) -> str:
    if unicodedata.category(character) in _UNSAFE or character in _BIDIRECTIONAL:
        return character.encode("unicode_escape", "surrogatepass").decode()
    return character
