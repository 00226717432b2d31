"""Tells how much of a text can be read while more of it is still to come."""

from __future__ import annotations

import regex

from bot.core.fences import blocks_of
from bot.core.markup import LONGEST_ATOM

_BEGUN_LINE = regex.compile(r"^[ ]*+(?:>[ ]++)?+(?:>{1,3}|\#{1,3}|-\#?|\*|\d++\.?+)?+[ ]*+\Z", regex.MULTILINE)
_MARKS = "*_~|\\"
_UNFINISHED = regex.compile(
    rf"(?:(?<![A-Za-z]|\]\(|\]\(<)(?:h(?:t(?:tp?)?)?|https?:?/?|https?://[^\s<>]*+)|<[^\s<>]{{0,100}}+|\[[^\[\]\n]{{0,{LONGEST_ATOM}}}+(?:\](?:\([^\s()]*+)?+)?+"
    rf"|`++[^`\n]{{0,{LONGEST_ATOM}}}+|[*_~|\\]++)\Z",
    regex.IGNORECASE,
)


def known(text: str) -> int:
    """Return the place up to which a text can be read: before half a link, a mention, a mark, or a line's beginning."""
    open_block = next((block for block in blocks_of(text) if not block.closed), None)
    if open_block is not None:
        stop = len(text.rstrip("`~ \n"))
        if stop > open_block.begin:
            return stop
        text = text[: open_block.start].rstrip(_MARKS)
    # An address has no end but a blank; all else is given up as such when it is too long.
    start = max(0, len(text) - LONGEST_ATOM - 2)
    word = max(text.rfind(blank, 0) for blank in " \n\t") + 1
    found = _UNFINISHED.search(text, min(start, word))
    stop = len(text[: found.start()].rstrip(_MARKS)) if found else len(text)
    begun = _BEGUN_LINE.search(text, text.rfind("\n", 0, stop) + 1, stop)
    return begun.start() if begun else stop
