"""How many tokens a text takes, estimated where nobody can be asked.

Providers' tokenizers differ and most are not public, so the estimate is on the safe side of the common ones: three
characters of ASCII a token (English has about four, code about three), and two bytes of UTF-8 a token for all others,
which is one a letter in Cyrillic or Greek and one and a half a character in Chinese, Japanese or Korean.
"""

from __future__ import annotations

from collections.abc import Callable

Counter = Callable[[str], int]
"""Returns the tokens of a text; another one than the estimate may be a provider's own."""

PER_MESSAGE = 4
"""What a message costs besides its text: the role and what separates it from the next."""

PER_IMAGE = 1500

_ASCII_A_TOKEN = 3
_BYTES_A_TOKEN = 2


def estimate(text: str) -> int:
    """Return about how many tokens a text takes, rather too many than too few."""
    total = len(text.encode("utf-8", "surrogatepass"))
    plain = sum(map(str.isascii, text)) if total != len(text) else total
    return -(-plain // _ASCII_A_TOKEN) + -(-(total - plain) // _BYTES_A_TOKEN)


def shortened(text: str, budget: int, count: Counter = estimate) -> str:
    """Return the longest beginning of a text within a budget, marked with an ellipsis where it is cut; "" for none."""
    if count(text) <= budget:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count(f"{text[:middle]}…") <= budget else (low, middle - 1)
    return f"{text[:low]}…" if low else ""
