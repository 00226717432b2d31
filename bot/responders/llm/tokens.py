"""An estimate of the tokens of a text.

Providers' tokenizers differ and most are not public, so the estimate is higher than the count of common ones. A token
is three characters of ASCII (English has about four, code about three), or two bytes of UTF-8 of other characters: one
token for a letter in Cyrillic or Greek, one and a half for a character in Chinese, Japanese or Korean.
"""

from __future__ import annotations

from collections.abc import Callable

Counter = Callable[[str], int]
"""Returns the tokens of a text: the estimate, or the count of a provider."""

PER_MESSAGE = 4
"""Tokens of a message besides its text: for the role and the separator."""

PER_IMAGE = 1500

MOST_CHARACTERS_A_TOKEN = 4
"""No text has more characters a token than that, by the estimate."""

_ASCII_A_TOKEN = 3
_BYTES_A_TOKEN = 2


def estimate(text: str) -> int:
    """Return about how many tokens a text takes, rather too many than too few."""
    total = len(text.encode("utf-8", "surrogatepass"))
    plain = sum(map(str.isascii, text)) if total != len(text) else total
    return -(-plain // _ASCII_A_TOKEN) + -(-(total - plain) // _BYTES_A_TOKEN)


def shortened(text: str, budget: int, count: Counter = estimate) -> str:
    """Return the longest beginning of a text within a budget, with an ellipsis if it was cut; "" if nothing fits."""
    if count(text) <= budget:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count(f"{text[:middle]}…") <= budget else (low, middle - 1)
    return f"{text[:low]}…" if low else ""


def ending(text: str, budget: int, count: Counter = estimate) -> str:
    """Return the longest end of a text within a budget, with an ellipsis if it was cut; "" if nothing fits."""
    return shortened(text[::-1], budget, count)[::-1]
