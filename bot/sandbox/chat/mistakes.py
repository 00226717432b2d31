"""What to say about a name that is unknown."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from bot.sandbox.errors import SandboxError

MOST_LISTED = 12


def unknown(sentence: str, typed: str, known: Iterable[str], sign: str = "") -> SandboxError:
    """Return the error for a name that is not among the known ones: with the nearest of them, or a list of all."""
    names = list(known)
    by_small_letters = {name.lower(): name for name in names}
    close = get_close_matches(typed.lower(), by_small_letters, n=1, cutoff=0.6)
    if close:
        return SandboxError(f"{sentence}: did you mean {sign}{by_small_letters[close[0]]}?")
    listed = ", ".join(f"{sign}{name}" for name in names[:MOST_LISTED])
    return SandboxError(f"{sentence}; there are {listed}." if listed else f"{sentence}.")
