"""The brackets that separate our words from people's in a prompt, and functions that make people's words safe there.

In people's words ⟦ and ⟧ are replaced by other brackets, so that no name, topic or file can end its fence or look like
the turn of another person.
"""

from __future__ import annotations

from collections.abc import Mapping

import regex

OPEN, CLOSE = "⟦", "⟧"
END = f"{OPEN}end{CLOSE}"
NAME_LENGTH = 40
NOBODY = "someone"

_BRACKETS = str.maketrans({OPEN: "[", CLOSE: "]"})
_MARKUP = regex.compile(r"""["`*_~|<>@#\\]""")
_MENTION = regex.compile(r"<@!?(?P<id>\d{1,20})>")
_UNSEEN = regex.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\p{Cs}\p{Cn}]")
_UNSEEN_IN_NAMES = regex.compile(r"\p{C}")


def header(words: str) -> str:
    """Return a line of ours that people can't write; ``words`` must hold no brackets."""
    return f"{OPEN}{words}{CLOSE}"


def fenced(title: str, text: str) -> str:
    """Return a text as data under a title."""
    return f"{header(title)}\n{plain(text)}\n{END}"


def plain(text: str) -> str:
    """Return people's words without our brackets and without invisible control characters."""
    return str(_UNSEEN.sub("", text.translate(_BRACKETS)))


def one_line(text: str, length: int) -> str:
    """Flatten a text to one line of at most ``length`` characters without control characters, markup or mentions."""
    spaced = " ".join(text.translate(_BRACKETS).split())
    return " ".join(_MARKUP.sub("", _UNSEEN_IN_NAMES.sub("", spaced)).split())[:length].strip()


def safe_name(name: str) -> str:
    """Flatten a name to one line of at most 40 characters; if nothing is left, return "someone"."""
    return one_line(name, NAME_LENGTH) or NOBODY


def with_names(text: str, names: Mapping[int, str]) -> str:
    """Replace mentions of people by their names, which a model can read."""
    return str(_MENTION.sub(lambda found: f"@{names.get(int(found['id']), NOBODY)}", text))
