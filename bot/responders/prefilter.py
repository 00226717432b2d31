"""Tell with little work that none of many patterns matches a whole text: by words that it lacks, or by a single match.

Most patterns name a word, and most texts contain none of these words. For all other texts, the patterns are joined into
one, so that a single match tells that none of them matches.

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


_LITERAL = regex.compile(r"\\?(?P<character>[^\w\\])|(?P<character>[A-Za-z0-9_])", regex.ASCII)
"""A piece that stands for one character of ASCII. The only other character of ASCII that it may match is that letter
in the other case."""

_SPECIAL = frozenset((".", "^", "$"))
_SHORTEST = 2
"""Characters of the shortest word that is looked for: nearly every text contains any single letter."""

_MOST_WORDS = 50
"""From this number on, looking for each word takes longer than matching the joined patterns."""


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


def words_of(patterns: Iterable[Joinable]) -> tuple[str, ...]:
    """Return lower-case words: a text in ASCII that one of the patterns matches contains one of them, in whatever case.

    Return none when a pattern names no word, or when there are too many.
    """
    longest = [max(_runs(pieces), key=len, default="") for found in patterns for pieces in found.alternatives]
    words = tuple(sorted({word.lower() for word in longest}))
    return words if len(words) <= _MOST_WORDS and all(len(word) >= _SHORTEST for word in words) else ()


def lacks(text: str, words: Collection[str]) -> bool:
    """Tell whether a text is in ASCII and contains none of some words (at least one)."""
    if not words or not text.isascii():
        return False
    lowered = text.lower()
    for word in words:  # noqa: SIM110 - a generator takes longer than to look
        if word in lowered:
            return False
    return True


def _runs(pieces: Iterable[str]) -> list[str]:
    """Return the characters that stand for themselves, joined where they follow each other."""
    characters = [_character(piece) for piece in pieces]
    return ["".join(map(str, run)) for literal, run in groupby(characters, key=bool) if literal]


def _character(piece: str) -> str:
    found = _LITERAL.fullmatch(piece) if piece not in _SPECIAL and piece.isascii() else None
    return found["character"] if found else ""


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
