"""The brackets that separate our words from people's in a prompt, and functions that make people's words safe there.

In people's words ⟦ and ⟧ are replaced by other brackets, so that no name, topic or file can end its fence or look like
the turn of another person. Names have no quotation marks, so that they can't end the pair around them. In words that
are quoted, and behind such words, the marks “ and ” are replaced by straight ones.
"""

from __future__ import annotations

from collections.abc import Mapping

import regex

from bot.core import seen
from bot.core.seen import NOBODY
from bot.unseen import removed

OPEN, CLOSE = "⟦", "⟧"
END = f"{OPEN}end{CLOSE}"
NAME_LENGTH = 40

_BRACKETS = str.maketrans({**dict.fromkeys(f"{OPEN}〚⟬⦗⁅⸢", "["), **dict.fromkeys(f"{CLOSE}〛⟭⦘⁆⸣", "]")})
"""Ours and those that look like them, each with what it becomes."""
_QUOTES = str.maketrans(dict.fromkeys('"\u201c\u201d\u201e\u201f\u2033\uff02', "'"))
_CURLY = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f", '"'))
_MARKUP = regex.compile(r"""["\u201c-\u201f`*_~|<>@#\\]""")
_UNSEEN_IN_NAMES = regex.compile(r"[\p{C}\p{Default_Ignorable_Code_Point}]")


def header(words: str) -> str:
    """Return a line of ours that people can't write; ``words`` must hold no brackets."""
    return f"{OPEN}{words}{CLOSE}"


def fenced(title: str, text: str) -> str:
    """Return a text as data under a title."""
    return f"{header(title)}\n{plain(text)}\n{END}"


def plain(text: str) -> str:
    """Return people's words without our brackets, and without what nobody sees (:mod:`bot.unseen`)."""
    return removed(text.translate(_BRACKETS))


def one_line(text: str, length: int) -> str:
    """Flatten a text to one line of at most ``length`` characters without control characters, markup or mentions."""
    spaced = " ".join(text.translate(_BRACKETS).split())
    return " ".join(_MARKUP.sub("", _UNSEEN_IN_NAMES.sub("", spaced)).split())[:length].strip()


def between_quotes(text: str) -> str:
    """Return people's words in one line that can stand between quotation marks."""
    return " ".join(plain(text).translate(_QUOTES).split())


def unquoted(text: str) -> str:
    """Return people's words in which no quotation can begin or end."""
    return plain(text).translate(_CURLY)


def quotation(text: str) -> str:
    """Return people's words between quotation marks that only we can write there."""
    return f"\u201c{unquoted(text)}\u201d"


def quoted(flat: str) -> str:
    """Return words of one line between quotation marks, of which there are none in them any more."""
    return f'"{flat}"'


def safe_name(name: str) -> str:
    """Flatten a name to one line of at most 40 characters; if nothing is left, return "someone"."""
    return one_line(name, NAME_LENGTH) or NOBODY


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Replace Discord's marks by names, which a model can read; ``names`` are those of a question, by mark."""
    return seen.with_names(text, {mark: safe_name(name) for mark, name in names.items()})
