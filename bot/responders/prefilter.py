"""Join many patterns into one, so that a single match tells that none of them matches the whole text.

Beginnings and ends that patterns share are written once, so a text is compared with a tree instead of each pattern.
Only patterns that mean the same inside a longer one are joined: without references to groups, without verbs, and with
no flags except ``i``, ``m`` and ``s``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from itertools import groupby, takewhile
from typing import NamedTuple

import regex

_FLAGS = regex.compile(r"\(\?(?P<letters>[ims]+)\)")
_PIECE = regex.compile(
    r"""(?P<piece>
        (?:
            \\ (?: [AbBdDsSwWZfnrtv] | \W )
          | \[ \^?+ (?: \\. | [^\[\]\\] )++ \]
          | \( (?: \? (?: [:=!>] | <[=!] | P?<[A-Za-z_]\w*> | [ims]++: ) | (?![?*]) ) (?: (?&piece) | \| )*+ \)
          | [^\\\[\](){}*+?|]
        )
        (?: (?: [*+?] | \{ \d*+ ,?+ \d*+ \} ) [+?]?+ )?+
    )""",
    regex.DOTALL | regex.VERBOSE,
)
"""An element of a pattern, with its quantifier."""

_CAPTURING = regex.compile(r"(?P<other>\\.|\[\^?+(?:\\.|[^\[\]\\])++\])|\((?:\?P?<[A-Za-z_]\w*>|(?!\?))", regex.DOTALL)
"""The beginning of a capturing group, or (``other``) an escape or set that may contain the same characters."""


class Joinable(NamedTuple):
    """A pattern that can be joined: the letters of its flags, sorted, and the pieces of each alternative."""

    letters: str
    alternatives: tuple[tuple[str, ...], ...]


def joinable(match: str, *, ignore_case: bool) -> Joinable | None:
    """Take a valid pattern apart; return None if it may mean something else inside a longer one."""
    place, letters = 0, "i" if ignore_case else ""
    while flags := _FLAGS.match(match, place):
        place, letters = flags.end(), letters + flags["letters"]
    alternatives: list[list[str]] = [[]]
    while place < len(match):
        if match[place] == "|":
            alternatives.append([])
            place += 1
        elif piece := _PIECE.match(match, place):
            alternatives[-1].append(_without_captures(piece[0]))
            place = piece.end()
        else:
            return None
    return Joinable("".join(sorted(set(letters))), tuple(map(tuple, alternatives)))


def _without_captures(piece: str) -> str:
    """Replace capturing groups, to which nothing refers, by plain ones, which are faster."""
    plain: str = _CAPTURING.sub(lambda found: found["other"] or "(?:", piece)
    return plain


def joined(patterns: Iterable[Joinable]) -> regex.Pattern[str] | None:
    """Return a pattern that matches a whole text if one of the patterns does; None if it can't be made."""
    by_letters: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for pattern in patterns:
        by_letters[pattern.letters] += pattern.alternatives
    if not by_letters:
        return None
    try:
        return regex.compile("|".join(f"(?{letters}:{_tree(found)})" for letters, found in by_letters.items()))
    except (regex.error, ValueError, RecursionError, MemoryError):
        # Each pattern compiles alone; all together may be too large.
        return None


def _tree(patterns: Collection[tuple[str, ...]]) -> str:
    """Return a pattern for all: the shared beginning and end once, and the alternatives between them."""
    begin = _alike(patterns)
    rests = {pieces[len(begin) :] for pieces in patterns}
    if len(rests) == 1:
        return "".join(begin)
    end = _alike(rest[::-1] for rest in rests)[::-1]
    middles = sorted(rest[: len(rest) - len(end)] for rest in rests)
    branches = (_tree(list(same)) for _, same in groupby(middles, key=lambda middle: middle[:1]))
    return f"{''.join(begin)}(?:{'|'.join(branches)}){''.join(end)}"


def _alike(patterns: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the pieces with which all patterns begin."""
    columns = takewhile(lambda column: len(set(column)) == 1, zip(*patterns, strict=False))
    return tuple(column[0] for column in columns)
