"""Numbers the items of lists as Discord shows them, so that a list that is cut goes on counting.

Discord counts from a list's first number, whatever the further items say. A message that begins with a further item
would begin with what that item says.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import regex

from bot.core.fences import Block

_LINE = regex.compile(
    r"^(?P<quote>[ ]*+>[ ]++)?+(?P<indent>[ ]*+)"
    r"(?:(?P<number>\d{1,9}+)\.(?=[ ])|(?P<bullet>[*-](?=[ ]))|(?P<text>\S)|)",
    regex.MULTILINE,
)


def counted(text: str, blocks: Sequence[Block]) -> str:
    """Return a text with each number of a list as it is shown; blocks of code stay as they are."""
    starts = [block.start for block in blocks]
    counts: dict[int, int] = {}
    quote = ""
    pieces: list[str] = []
    at = 0
    for line in _LINE.finditer(text):
        index = bisect_right(starts, line.start()) - 1
        if index >= 0 and line.start() < blocks[index].end:
            if line.start() == blocks[index].start:
                counts.clear()
            continue
        if (line["quote"] or "") != quote:
            quote = line["quote"] or ""
            counts.clear()
        number = _count(counts, line)
        if number is not None:
            pieces += text[at : line.start("number")], str(number)
            at = line.end("number")
    return "".join((*pieces, text[at:]))


def _count(counts: dict[int, int], line: regex.Match[str]) -> int | None:
    """Return the number of a line's item; ``counts`` holds the last number at each indentation of the list."""
    indent = len(line["indent"])
    if line["text"] and not indent:
        counts.clear()
    if line["number"] is None and line["bullet"] is None:
        return None
    for deeper in [each for each in counts if each > indent]:
        del counts[deeper]
    if line["bullet"] is not None:
        counts.pop(indent, None)
        return None
    counts[indent] = counts[indent] + 1 if indent in counts else int(line["number"])
    return counts[indent]
