"""How an answer ends: whether it was cut, what marks that, and how another one goes on with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import regex

from bot.core.fences import blocks_of
from bot.core.parts import growing, split

Cut: TypeAlias = Literal["length", "time", "filter", "lost", "stopped"]
"""What cut an answer: its length, its time, a filter, the death of the model's server, a person."""

LOST, STOPPED = "lost", "stopped"
CUTS: Mapping[str, Cut] = {
    "length": "length",
    "time": "time",
    "content_filter": "filter",
    LOST: "lost",
    STOPPED: "stopped",
}
"""What cut an answer, by the ``finish`` that is recorded with it."""

LONGEST_MARK = 150
"""Characters of a mark, none of which takes more than two UTF-16 code units."""

_MARK_ROOM = 2 * LONGEST_MARK + 40
"""UTF-16 code units that a mark may take below an answer, behind the end of a block of code."""
_BEGUN_WORD = regex.compile(r"(?<=\s)\w{1,30}\Z")
_LEAST_REPEATED = 12


def room(finish: str) -> int:
    """Return the UTF-16 code units that the last part of an answer may have."""
    return 2000 - _MARK_ROOM if finish in CUTS else 2000


def with_room(parts: Sequence[str], finish: str) -> tuple[str, ...]:
    """Return the parts of an answer, with the last one cut once more if a mark would not fit below it."""
    return (*parts[:-1], *split(parts[-1], room(finish))) if parts else ()


def with_mark(parts: Sequence[str], mark: str) -> tuple[str, ...]:
    """Return the parts of an answer with a mark in small print below the last one ("": none)."""
    if not mark or not parts:
        return tuple(parts)
    open_block = next((block for block in blocks_of(parts[-1]) if not block.closed), None)
    closing = open_block.closing if open_block else ""
    return (*parts[:-1], f"{parts[-1].rstrip()}{closing}\n-# {mark}")


def unfinished(text: str) -> str:
    """Return a cut text without the word that it may break off in, which whoever goes on writes anew."""
    return text[: found.start()] if (found := _BEGUN_WORD.search(text)) else text


def continued(parts: Sequence[str], more: str) -> tuple[str, ...]:
    """Return the parts of a cut answer with more of it; all but the last one of them stay as they are.

    What the new text repeats of the end of the old one is left out.
    """
    text, kept = _joined(parts[-1], more)
    return (*parts[:-1], *split(text, kept=kept))


def continuing(parts: Sequence[str], more: str) -> tuple[str, ...]:
    """Return what can be shown of that while more of it is still written: nothing before it is longer than it was.

    It may begin by repeating the end of the old text, and by writing the old text's last word anew.
    """
    if more in unfinished(parts[-1]).rstrip()[:-1]:
        return ()
    text, kept = _joined(parts[-1], more)
    grown = growing(text, kept=kept)
    longer = len(grown) > 1 or (grown and len(grown[0].rstrip()) > len(parts[-1].rstrip()))
    return (*parts[:-1], *grown) if longer else ()


def changed(shown: Sequence[str], before: Sequence[str]) -> tuple[str, ...]:
    """Return what messages show of an answer that is written over the one with the parts ``before``, as its parts.

    The last ones may still show what they showed before, with a mark below it.
    """
    over = (
        number
        for number, text in enumerate(shown, 1)
        if number > len(before) or not text.strip().startswith(before[number - 1].strip())
    )
    return tuple(shown[: max(over, default=0)])


def _joined(old: str, more: str) -> tuple[str, int]:
    """Return an old text with more of it, and how many of its characters are old."""
    before = unfinished(old)
    said = before.rstrip()
    longest = min(len(said), len(more))
    repeated = next((n for n in range(longest, _LEAST_REPEATED - 1, -1) if said.endswith(more[:n])), 0)
    return (said if repeated else before) + more[repeated:], len(said)
