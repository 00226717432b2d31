"""Cuts a reply into messages that Discord takes, and keeps together what belongs together.

Lengths are UTF-16 code units, the strictest of the counts that clients use. A grapheme, a link and a fenced block of
code are kept whole if one message can hold them. A block that is too long for one message is closed where it is cut and
opened again in the next message.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from itertools import accumulate
from math import inf
from typing import NamedTuple

import regex

_GRAPHEME = regex.compile(r"\X")
# A space with a combining mark is visible, so it is not a gap.
_GAP = regex.compile(r"(?:\s(?![\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]))++")
# Chinese and Japanese put no space after a sentence; [^\P{SB=STerm}\p{ASCII}] is a full stop of theirs.
_BREAK = regex.compile(rf"(?P<gap>{_GAP.pattern})|[^\P{{SB=STerm}}\p{{ASCII}}]++\p{{SB=Close}}*+")
_SENTENCE_END = regex.compile(r"[\p{SB=STerm}\p{SB=ATerm}…][\p{SB=Close}*_~]*+$")
_LINK = regex.compile(
    r"""
      \[[^\[\]\n]*+\]\((?:<[^<>\n]*+>|[^\s()<>]*+(?:\([^\s()]*+\)[^\s()<>]*+)*+)(?:[ ]++"[^"\n]*+")?\)
    | <https?://[^\s<>]++>
    | https?://[^\s<>]++
    """,
    regex.VERBOSE | regex.IGNORECASE,
)
# A run of backticks anywhere or of tildes at the start of a line; ``info`` is the rest of its line, None where more
# backticks follow in it.
_RUN = regex.compile(
    r"(?:(?P<first>^[ \t]*+)(?P<mark>`{3,}+|~{3,}+)|(?P<mark>`{3,}+))(?:(?=(?P<info>[^`\n]*+)$)|)",
    regex.MULTILINE,
)
_LANGUAGE = regex.compile(r"[\w+.#-]*+\s*+")
_BLANK_LINES = regex.compile(r"(?:[^\S\n]*+\n)*+")


def split(text: str, limit: int = 2000) -> tuple[str, ...]:
    """Cut a text into parts of at most ``limit`` UTF-16 code units, at the largest boundary that each part reaches.

    Boundaries are, from the largest: paragraph, line, sentence, word, grapheme. A text that fits is returned unchanged;
    a text without visible characters gives no parts. A block of code that is never closed is closed where it is cut.
    """
    if limit < 2:  # noqa: PLR2004 - one character may take two units
        raise ValueError("limit must be at least 2 UTF-16 code units, the length of an emoji.")
    if not text.strip():
        return ()
    if _units(text) <= limit:
        return (text,)
    blocks = list(_blocks(text))
    if blocks and not blocks[-1].closed:
        text = f"{text.rstrip()}\n{blocks[-1].mark}"
        blocks[-1] = replace(blocks[-1], end=len(text))
    fits = [block for block in blocks if _units(text[block.start : block.end]) <= limit]
    packer = _Packer(limit)
    start = 0
    for block in blocks:
        if _units(text[block.start : block.end]) > limit and block.frame(block.opening) <= limit // 2:
            packer.add_prose(_prose(text, start, block.start, fits))
            packer.add_code(block)
            start = block.end
    packer.add_prose(_prose(text, start, len(text), fits))
    packer.flush()
    return tuple(packer.parts)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class _Level(IntEnum):
    GRAPHEME = 0
    WORD = 1
    SENTENCE = 2
    LINE = 3
    PARAGRAPH = 4


class _Cut(NamedTuple):
    """The end of a piece and the start of the next one. Only blanks are between them."""

    level: _Level
    end: int
    resume: int


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A text to cut, and the intervals in it to keep whole: in order and without overlaps."""

    text: str
    wholes: Sequence[tuple[int, int]]

    def reach(self, start: int, budget: int) -> int:
        """Find the position that ``budget`` units reach."""
        stop = min(start + max(budget, 0), len(self.text))
        over = _units(self.text[start:stop]) - budget
        while over > 0 and stop > start:
            stop -= 1
            over -= _units(self.text[stop])
        return stop

    def cut(self, start: int, budget: int, floor: _Level) -> _Cut | None:
        """Choose the last of the largest boundaries within the budget; None if all are smaller than ``floor``."""
        stop = self.reach(start, budget)
        gap = _GAP.match(self.text, start)
        head = gap.end() if gap else start
        graphemes = _GRAPHEME.findall(self.text[start : stop + 1])  # one more tells whether the last one ends there
        edges = [edge for edge in accumulate(map(len, graphemes), initial=start) if edge <= stop]
        best = max(self._breaks(head, stop, frozenset(edges)), default=None)
        if best and best.level >= floor:
            return best
        return None if floor > _Level.GRAPHEME else self._tear(start, stop, edges)

    def _breaks(self, head: int, stop: int, edges: frozenset[int]) -> Iterator[_Cut]:
        for found in _BREAK.finditer(self.text, head, stop + 1):
            if found["gap"] is None:
                cut = _Cut(_Level.SENTENCE, found.end(), found.end())
            elif gap := _GAP.match(self.text, found.start()):
                cut = _Cut(self._level(head, gap), gap.start(), gap.start() + gap[0].rfind("\n") + 1)
                cut = cut if cut.level >= _Level.LINE else cut._replace(resume=gap.end())
            else:
                continue
            if head < cut.end and cut.end in edges and not self._inside(cut.end):
                yield cut

    def _level(self, head: int, gap: regex.Match[str]) -> _Level:
        lines = gap[0].count("\n")
        if lines:
            return _Level.LINE if lines == 1 else _Level.PARAGRAPH
        ends = _SENTENCE_END.search(self.text, max(head, gap.start() - 8), gap.start())
        return _Level.SENTENCE if ends else _Level.WORD

    def _tear(self, start: int, stop: int, edges: Sequence[int]) -> _Cut:
        """Cut between graphemes: before an interval to keep whole if possible, or through one too long for a part."""
        last = edges[-1] if edges[-1] > start else stop
        edge = next((edge for edge in reversed(edges) if edge > start and not self._inside(edge)), last)
        return _Cut(_Level.GRAPHEME, edge, edge)

    def _inside(self, edge: int) -> bool:
        index = bisect_left(self.wholes, (edge,)) - 1
        return index >= 0 and edge < self.wholes[index][1]


@dataclass(slots=True)
class _Packer:
    """Fills parts one after the other; ``pending`` is the part that can still take more."""

    limit: int
    parts: list[str] = field(default_factory=list)
    pending: str = ""

    def add_prose(self, prose: _Stretch) -> None:
        """Add a text without blocks that are too long for one part."""
        at = 0
        while at < len(prose.text):
            if not self.pending:
                at = _BLANK_LINES.match(prose.text, at).end()
            room = self.limit - _units(self.pending)
            if prose.reach(at, room) == len(prose.text):
                self.pending += prose.text[at:]
                return
            cut = prose.cut(at, room, _Level.LINE if self.pending else _Level.GRAPHEME)
            if cut:
                self.pending += prose.text[at : cut.end]
                at = cut.resume
            self.flush()

    def add_code(self, block: _Block) -> None:
        """Add a block that is too long for one part; each piece is opened and closed."""
        body = _Stretch(block.body, _links(block.body, 0, len(block.body)))
        opening = block.opening
        at = 0
        while True:
            room = self.limit - _units(self.pending) - block.frame(opening)
            if body.reach(at, room) == len(body.text):
                self.pending += f"{opening}\n{body.text[at:]}\n{block.closing}"
                return
            # Do not put only a few lines of code at the end of a part that is nearly full.
            floor = _Level.GRAPHEME if not self.pending else _Level.LINE
            cut = body.cut(at, room, floor) if room >= self.limit // 2 or not self.pending else None
            if cut:
                piece = body.text[at : cut.end].rstrip()
                at = cut.resume
                if piece:
                    self.pending += f"{opening}\n{piece}\n{block.mark}"
                    opening = block.reopening
            self.flush()

    def flush(self) -> None:
        """End the part, unless it has no visible characters."""
        if part := self.pending.rstrip():
            self.parts.append(part)
        self.pending = ""


def _prose(text: str, start: int, stop: int, blocks: Sequence[_Block]) -> _Stretch:
    wholes: list[tuple[int, int]] = []
    at = start
    for block in blocks:
        if start <= block.start and block.end <= stop:
            wholes += [*_links(text, at, block.start), (block.start, block.end)]
            at = block.end
    wholes += _links(text, at, stop)
    return _Stretch(text[start:stop], [(first - start, last - start) for first, last in wholes])


def _links(text: str, start: int, stop: int) -> list[tuple[int, int]]:
    return [link.span() for link in _LINK.finditer(text, start, stop)]


@dataclass(frozen=True, slots=True)
class _Block:
    """A fenced block of code; ``info`` is the rest of the opening line, ``body`` has no blanks at its ends."""

    start: int
    end: int
    mark: str
    info: str
    body: str
    closed: bool
    closing: str

    @property
    def opening(self) -> str:
        return self.mark + self.info

    @property
    def reopening(self) -> str:
        """Return the opening line for a further piece, with the language: the first word of ``info``."""
        return self.mark + "".join(self.info.split()[:1])

    def frame(self, opening: str) -> int:
        """Count the units that the fences around a piece need."""
        return _units(opening) + _units(self.closing) + len("\n\n")


def _blocks(text: str) -> Iterator[_Block]:
    """Find the fenced blocks: those of CommonMark and those that only Discord shows as blocks.

    A fence at the start of a line, without more backticks in that line, closes with a run of at least its length that
    ends a line. A fence in the middle of a line, or with its code in the same line, is of Discord's kind and closes
    with the next such run.
    """
    runs = list(_RUN.finditer(text))
    hopeless: dict[tuple[str, bool], int] = {}
    index = 0
    while index < len(runs):
        opener = runs[index]
        heads = opener["first"] is not None and opener["info"] is not None
        closer = _closer(runs, index, hopeless, ending=True) if heads else None
        if closer is None:
            closer = _closer(runs, index, hopeless, ending=False)
        if closer is not None:
            yield _block(text, opener, runs[closer], heads=heads)
            index = closer
        elif heads:
            yield _block(text, opener, None, heads=heads)
            return
        index += 1


def _closer(
    runs: Sequence[regex.Match[str]], index: int, hopeless: dict[tuple[str, bool], int], *, ending: bool
) -> int | None:
    """Find the run that closes the one at ``index``; ``hopeless`` holds lengths for which no closing run was found."""
    mark = runs[index]["mark"]
    if len(mark) >= hopeless.get((mark[0], ending), inf):
        return None
    for later in range(index + 1, len(runs)):
        run = runs[later]
        if run["mark"].startswith(mark) and not (ending and (run["info"] is None or run["info"].strip())):
            return later
    hopeless[mark[0], ending] = len(mark)
    return None


def _block(text: str, opener: regex.Match[str], closer: regex.Match[str] | None, *, heads: bool) -> _Block:
    mark, info = opener["mark"], opener["info"]
    if info is None or not (heads or _LANGUAGE.fullmatch(info)):
        info = ""
    inside = text[opener.end("mark") + len(info) : closer.start("mark") if closer else len(text)]
    return _Block(
        start=opener.start("mark"),
        end=closer.end("mark") if closer else len(text),
        mark=mark,
        info=info.strip(),
        body=inside[_BLANK_LINES.match(inside).end() :].rstrip(),
        closed=closer is not None,
        closing=closer["mark"] if closer else mark,
    )
