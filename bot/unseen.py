"""Characters that nobody sees: those that show nothing, turn the direction of text, or control a terminal.

People can hide words in them from moderators, and a model reads what no eye does. Kept is what writing needs: a joiner
between two emoji or between two letters of a script that joins them, a style behind an emoji or an ideograph, and the
flags that are spelt with tags.
"""

from __future__ import annotations

from collections.abc import Callable

import regex

_JOINING = (
    r"\p{Arabic}\p{Syriac}\p{Mongolian}\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}"
    r"\p{Kannada}\p{Malayalam}\p{Sinhala}\p{Khmer}"
)
_NEEDED = (
    r"(?<=[\p{Extended_Pictographic}\uFE0F\U0001F3FB-\U0001F3FF])\u200D(?=\p{Extended_Pictographic})",
    rf"(?<=[{_JOINING}])[\u200C\u200D](?=[{_JOINING}])",
    r"(?<=\p{Emoji})[\uFE0E\uFE0F]",
    r"(?<=\p{Han})[\U000E0100-\U000E01EF]",
    r"\U0001F3F4[\U000E0061-\U000E007A]{5}\U000E007F",
)
_UNSEEN = (
    r"[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}"
    r"\uFFF9-\uFFFB]"
)
_FOUND = regex.compile(f"(?:{'|'.join(_NEEDED)})|(?P<unseen>{_UNSEEN})")
_BREAK = regex.compile(r"\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")


def escaped(text: str) -> str:
    r"""Return a text on one line, with each unseen character as its escape, such as ``\u202e``."""
    return _replaced(text, lambda unseen: unseen.encode("unicode_escape", "surrogatepass").decode())


def removed(text: str) -> str:
    """Return a text without unseen characters; every kind of line break becomes a newline, and tabs stay."""
    lines = _BREAK.split(text)
    return "\n".join("\t".join(_replaced(cell, lambda _: "") for cell in line.split("\t")) for line in lines)


def _replaced(text: str, replacement: Callable[[str], str]) -> str:
    if text.isascii() and text.isprintable():
        return text
    return str(_FOUND.sub(lambda found: replacement(found[0]) if found["unseen"] else found[0], text))
