"""Join many patterns into one, which tells with one match that none of them matches the whole text.

What patterns begin or end alike is written once, so that a text is compared with a tree and not with each pattern.
Only what means the same inside a longer pattern is joined: no references to groups, no verbs, no flags but ``i``, ``m``
and ``s``.
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
"""One element of a pattern with its quantifier."""

_CAPTURING = regex.compile(r"(?P<other>\\.|\[\^?+(?:\\.|[^\[\]\\])++\])|\((?:\?P?<[A-Za-z_]\w*>|(?!\?))", regex.DOTALL)
"""The beginning of a group that captures, or what may only look as if it held one."""


class Joinable(NamedTuple):
    """Carry a pattern that can be joined: the letters of its flags, in order, and the pieces of each alternative."""

    letters: str
    alternatives: tuple[tuple[str, ...], ...]


def joinable(match: str, *, ignore_case: bool) -> Joinable | None:
    """Take a valid pattern apart; return None where it may mean something else inside a longer one."""
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
    """Make groups only group: nothing refers to them, and each takes its time."""
    plain: str = _CAPTURING.sub(lambda found: found["other"] or "(?:", piece)
    return plain


def joined(patterns: Iterable[Joinable]) -> regex.Pattern[str] | None:
    """Return a pattern that matches a whole text if one of the patterns does; None where there is none to make."""
    by_letters: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for pattern in patterns:
        by_letters[pattern.letters] += pattern.alternatives
    if not by_letters:
        return None
    try:
        return regex.compile("|".join(f"(?{letters}:{_tree(found)})" for letters, found in by_letters.items()))
    except (regex.error, ValueError, RecursionError, MemoryError):
        # Each of them compiles alone; together they may be too large.
        return None


def _tree(patterns: Collection[tuple[str, ...]]) -> str:
    """Write once what patterns begin and end alike, and between them the alternatives."""
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
