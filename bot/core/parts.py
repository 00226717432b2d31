"""Cuts a reply into messages that Discord takes, so that together they show what the whole would show.

Lengths are UTF-16 code units, the strictest of the counts that clients use. Graphemes, links, mentions, custom emojis
and short inline code are kept whole if one message can hold them. What is open where a text is cut, such as a block of
code, a block quote, a heading, bold or a spoiler, is closed there and opened again in the next message. Numbered lists
go on counting, and the rows of a table get its heading again.

Each message is filled to three fifths before the best place for its end is chosen. Where that is depends on nothing
that is further away than a message and a few characters, so it stays while more of a text comes (:func:`growing`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import accumulate
from typing import NamedTuple

import regex

from bot.core.fences import blocks_of
from bot.core.lists import counted
from bot.core.markup import LINE_START, Span, read
from bot.core.unfinished import known

_FILLED = 3, 5
"""The share of a message that is filled before the best place for its end is chosen."""
_AHEAD = 8
"""Characters behind a place that tell what begins there."""
_SIGNS = "*_~|`\\"
"""Marks of styles consist of these."""
_GRAPHEME = regex.compile(r"\X")
# A space with a combining mark is visible, so it is not a gap.
_GAP = regex.compile(r"(?:\s(?![\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]))++")
# Chinese and Japanese put no space after a sentence; [^\P{SB=STerm}\p{ASCII}] is a full stop of theirs.
_BREAK = regex.compile(rf"(?P<gap>{_GAP.pattern})|[^\P{{SB=STerm}}\p{{ASCII}}]++\p{{SB=Close}}*+")
_SENTENCE_END = regex.compile(r"[\p{SB=STerm}\p{SB=ATerm}…][\p{SB=Close}*_~|`]*+$")
_BLANK_LINES = regex.compile(r"(?:[^\S\n]*+\n)*+")
_BLANK_QUOTES = regex.compile(r"(?:[^\S\n]*+>[^\S\n]*+\n)*+")
_LAST_BLANK_QUOTES = regex.compile(r"(?:\n[ ]*+>[ ]*+)++\Z")
_BLOCK_MARK = regex.compile(r"[ ]*+(?:>(?:>>)?+[ ]|(?:\#{1,3}|-\#|[*-]|\d++\.)[ ]|\|)")
_BEGINS_BLOCK = regex.compile(r"[ ]*+(?:>[ ]++)?+(?:\#{1,3}[ ]|-\#[ ]|```)")
_HEADING = regex.compile(r"[ ]*+(?:>[ ]++)?+(?:\#{1,3}|-\#)[ ]")


def split(text: str, limit: int = 2000, kept: int = 0) -> tuple[str, ...]:
    """Cut a text into parts of at most ``limit`` UTF-16 code units, each at the best boundary once it is well filled.

    Boundaries are, from the best: paragraph, line, line that belongs to the one before, sentence, word, grapheme. A
    text that fits is returned unchanged; a text without visible characters gives no parts. A block of code that is
    never closed is closed where it is cut. So many characters as ``kept`` stay in the first part: they are shown there.
    """
    if limit < 2:  # noqa: PLR2004 - one character may take two units
        raise ValueError("limit must be at least 2 UTF-16 code units, the length of an emoji.")
    if not text.strip():
        return ()
    if _units(text) <= limit:
        return (text,)
    text = _prepared(text, limit)
    return tuple(_Packer(text, limit, kept, growing=False).parts())


def growing(text: str, limit: int = 2000, kept: int = 0) -> tuple[str, ...]:
    """Cut the beginning of a text that is still being written, to be shown meanwhile.

    Its parts but the last are those of :func:`split` for the whole text, and the last one is the beginning of the next
    (both as long as each style that is open somewhere gets an end). What may still move to another part is left out;
    what is open at the end is closed.
    """
    if _units(text) > limit:
        text = _prepared(text, limit)
    return tuple(_Packer(text[: known(text)], limit, kept, growing=True).parts())


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _prepared(text: str, limit: int) -> str:
    """Return a text that is too long for one part with its lists counted and its longest blocks in their plain form.

    Many blank lines at the beginning of a block are left out.
    """
    text = counted(text, list(blocks_of(text)))
    pieces: list[str] = []
    at = 0
    for block in blocks_of(text):
        head = block.head(text)
        blank = text[head : block.begin] if _units(text[head : block.begin]) <= limit // 4 else ""
        if _units(text[block.start : block.end]) > limit and block.closed:
            opening = f"{block.mark}{block.info}\n"
            pieces += text[at : block.start], opening, blank, text[block.begin : block.stop], block.closing
            at = block.end
        elif not blank:
            pieces += text[at:head], text[block.begin : block.stop]
            at = block.stop
    return "".join((*pieces, text[at:]))


class _Level(IntEnum):
    GRAPHEME = 0
    WORD_OF_CODE = 1
    WORD = 2
    SENTENCE = 3
    INNER_LINE = 4
    LINE = 5
    PARAGRAPH = 6


class _Cut(NamedTuple):
    """The end of a piece and the start of the next one. Only blanks are between them."""

    level: _Level
    end: int
    resume: int


class _Ruler:
    """Measures pieces of a text in UTF-16 code units."""

    def __init__(self, text: str) -> None:
        self._length = len(text)
        self._astral = [found.start() for found in regex.finditer(r"[\U00010000-\U0010ffff]", text)]

    def units(self, start: int, stop: int) -> int:
        return stop - start + bisect_left(self._astral, stop) - bisect_left(self._astral, start)

    def reach(self, start: int, budget: int) -> int:
        """Find the position that ``budget`` units reach."""
        stop = min(start + max(budget, 0), self._length)
        while stop > start and self.units(start, stop) > budget:
            stop -= max((self.units(start, stop) - budget) // 2, 1)
        return stop


class _Packer:
    """Fills parts one after the other; ``kept`` is as for :func:`split`, ``growing``: more of the text follows."""

    def __init__(self, text: str, limit: int, kept: int, *, growing: bool) -> None:
        self._growing = growing
        self._text = text
        blocks = [block for block in blocks_of(text) if _units(block.reopening + block.closing) <= limit // 2]
        self._markup = read(text, blocks, growing=growing)
        self._ruler = _Ruler(text)
        self._limit = limit
        self._rooms: dict[int, int] = {}
        self._filled = limit * _FILLED[0] // _FILLED[1]
        self._kept = kept

    def parts(self) -> Iterator[str]:
        """Yield the parts."""
        at = 0
        while at < len(self._text):
            at = _BLANK_LINES.match(self._text, at).end()
            if at and self._text[at - 1] == "\n" and self._quoted(at):
                at = _BLANK_QUOTES.match(self._text, at).end()
            cut = self._cut(at)
            part = self._part(at, cut.end if cut else self._end(at))
            if part.strip():
                yield part
            if cut is None:
                return
            at = cut.resume

    def _cut(self, at: int) -> _Cut | None:
        """Return where the part that begins at ``at`` ends, None if it is the last one."""
        stop = self._ruler.reach(at, self._room(at))
        if self._growing:
            # What follows the blanks at its end tells whether it may end before them.
            gap = _GAP.match(self._text, stop)
            return self._best(at, stop) if (gap.end() if gap else stop) + _AHEAD < len(self._text) else None
        if self._ruler.units(at, len(self._text)) + _units(self._closing(len(self._text))) <= self._room(at):
            return None
        return self._best(at, stop)

    def _end(self, at: int) -> int:
        """Return where the last part ends: while the text grows, before what may still move to the next part."""
        stop = len(self._text)
        if not self._growing:
            return stop
        full = self._ruler.reach(at, self._least(at))
        if stop > full:
            stop = self._ruler.reach(at, self._room(at))
            best = max(self._well_filled(at, stop), default=None)
            stop = best.end if best else min(max(full, len(self._text) - _AHEAD), self._tear(at, stop, at).end)
        if self._in_code(stop):
            # Code is shown line by line.
            stop = max(self._text.rfind("\n", at, stop), at)
        while (bare := self._bare(at, stop)) < stop:
            stop = bare
        return stop

    def _bare(self, at: int, stop: int) -> int:
        """Return where a part ends at the latest: no mark meets those that close it, and nothing is torn."""
        if self._in_sign(stop) or (self._open_at(stop) and not self._in_code(stop)):
            stop = at + len(self._text[at:stop].rstrip(f"{_SIGNS} \n"))
        whole = self._markup.whole_at(stop)
        return max(whole[0], at) if whole else stop

    def _in_sign(self, place: int) -> bool:
        """Tell whether a sign right before a place may end a style there only because what follows is cut off."""
        before, behind = self._text[max(place - 1, 0) : place], self._text[place : place + 1]
        return bool(before and behind) and before in _SIGNS and not behind.isspace() and not self._in_code(place)

    def _quoted(self, place: int) -> bool:
        """Tell whether ``>`` alone in a line is a blank line of a block quote here, and not a line of code."""
        return all(span.block.quote for span in self._markup.open_at(place) if span.block)

    def _in_code(self, place: int) -> bool:
        return any(span.block for span in self._markup.open_at(place))

    def _best(self, at: int, stop: int) -> _Cut:
        """Choose the last of the best boundaries once the part is well filled; if there are none, tear a word."""
        best = max(self._well_filled(at, stop), default=None)
        cuts = [] if best and best.level > _Level.WORD_OF_CODE else list(self._cuts(at, stop, at))
        if best.level is _Level.WORD_OF_CODE if best else self._in_code(stop):
            # A line of code that fits is not torn, however little stands before it.
            best = max((cut for cut in cuts if cut.level > _Level.WORD_OF_CODE), key=lambda cut: cut.end, default=best)
        if best:
            return best
        torn = self._tear(at, stop, self._ruler.reach(at, self._least(at)))
        if not self._markup.whole_at(torn.end) or not (cuts or torn.end > at):
            return torn
        return max(cuts, key=lambda cut: cut.end, default=self._tear(at, stop, at))

    def _well_filled(self, at: int, stop: int) -> Iterator[_Cut]:
        """Yield the boundaries that leave a part well filled."""
        least = self._least(at)
        begin = at + len(self._text[at : max(self._ruler.reach(at, least) - _AHEAD, at)].rstrip())
        return (cut for cut in self._cuts(at, stop, begin) if self._ruler.units(at, cut.resume) >= least)

    def _least(self, at: int) -> int:
        """Return the units from ``at`` on that a part is filled with before the best place for its end is chosen."""
        filled = self._filled - self._limit + self._room(at)
        return max(filled, self._ruler.units(at, self._kept)) if at < self._kept else filled

    def _cuts(self, at: int, stop: int, begin: int) -> Iterator[_Cut]:
        """Yield the boundaries between ``begin`` and ``stop`` where a part that begins at ``at`` may end."""
        gap = _GAP.match(self._text, at)
        head = gap.end() if gap else at
        edges = frozenset(self._edges(at, stop))
        for found in _BREAK.finditer(self._text, max(head, begin), stop + 1):
            if found["gap"] is None and self._text[found.end() : found.end() + 1].isspace():
                continue
            if found["gap"] is None:
                cut = _Cut(_Level.SENTENCE, found.end(), found.end())
            elif gap := _GAP.match(self._text, found.start()):
                cut = self._at_gap(head, gap)
            else:
                continue
            if head < cut.end and cut.end in edges and self._may_end(at, cut):
                yield cut

    def _may_end(self, at: int, cut: _Cut) -> bool:
        if self._growing and cut.resume + _AHEAD > len(self._text):
            return False
        within_line = self._text[cut.resume - 1] != "\n"
        return not (
            self._markup.whole_at(cut.end)
            or self._text[cut.end - 1] == "\\"
            # Discord leaves such signs out at the end of a heading.
            or (within_line and self._text[cut.end - 1] == "#" and "#" in self._markup.line_at(cut.end))
            or (within_line and _BLOCK_MARK.match(self._text, cut.resume))
            or not self._fits(at, cut.end)
            or self._blends(cut)
        )

    def _blends(self, cut: _Cut) -> bool:
        """Tell whether marks that are put at a cut would be read together with those beside it."""
        if self._in_code(cut.end):
            return False
        marks = {span.closing for span in self._open_at(cut.end) if not span.block}
        lead = LINE_START.match(self._text, cut.resume).end() if cut.level >= _Level.INNER_LINE else cut.resume
        beside = self._text[cut.end - 1 : cut.end], self._text[lead : lead + 1] or " "
        return any(sign and sign in mark for sign in beside for mark in marks)

    def _at_gap(self, head: int, gap: regex.Match[str]) -> _Cut:
        resume = gap.start() + gap[0].rfind("\n") + 1
        lines = gap[0].count("\n")
        inside = self._in_code(gap.start())
        if not lines:
            ends = _SENTENCE_END.search(self._text, max(head, gap.start() - 8), gap.start())
            level = _Level.WORD_OF_CODE if inside else _Level.SENTENCE if ends else _Level.WORD
            return _Cut(level, gap.start(), gap.end())
        if inside:
            return _Cut(_Level.LINE if lines > 1 else _Level.INNER_LINE, gap.start(), resume)
        return _Cut(self._between_lines(gap, resume, lines), gap.start(), resume)

    def _between_lines(self, gap: regex.Match[str], resume: int, lines: int) -> _Level:
        if _HEADING.match(self._text, self._text.rfind("\n", 0, gap.start()) + 1):
            return _Level.WORD
        if lines > 1 or _BEGINS_BLOCK.match(self._text, resume):
            return _Level.PARAGRAPH
        return _Level.INNER_LINE if self._text[resume : resume + 1] in {" ", "\t"} else _Level.LINE

    def _edges(self, at: int, stop: int) -> list[int]:
        # One grapheme more tells whether the last one ends there.
        graphemes = _GRAPHEME.findall(self._text[at : stop + 1])
        return [edge for edge in accumulate(map(len, graphemes), initial=at) if edge <= stop]

    def _tear(self, at: int, stop: int, floor: int) -> _Cut:
        """Cut between graphemes behind ``floor``: before an interval to keep whole if possible, or through one."""
        fits = [edge for edge in self._edges(at, stop) if edge > at and self._fits(at, edge)]
        free = (edge for edge in reversed(fits) if edge > floor and not self._markup.whole_at(edge))
        edge = next((edge for edge in free if self._may_tear(edge)), fits[-1] if fits else 0)
        if not edge:
            edge = next((place for place in range(stop, at, -1) if self._fits(at, place)), at + 1)
        return _Cut(_Level.GRAPHEME, edge, edge)

    def _may_tear(self, edge: int) -> bool:
        # A mark that is opened again before a blank may open nothing.
        blank = bool(self._open_at(edge)) and self._text[edge : edge + 1].isspace()
        torn = self._in_sign(edge) or self._blends(_Cut(_Level.GRAPHEME, edge, edge))
        return not (blank or torn or _BLOCK_MARK.match(self._text, edge))

    def _fits(self, at: int, end: int) -> bool:
        return self._ruler.units(at, end) + self._needed(end) <= self._room(at)

    def _open_at(self, place: int) -> tuple[Span, ...]:
        """Return what is open at a place and has or may get an end, if there is room for it in a part."""
        spans = self._markup.open_at(place) if place else ()
        spans = tuple(
            span
            for span in spans
            if span.block or (_units(span.opening) <= self._limit // 4 and span.lasts(self._text, place))
        )
        needed = sum(_units(span.opening + span.closing) for span in spans)
        return spans if needed <= self._limit // 2 else tuple(span for span in spans if span.block)

    def _room(self, at: int) -> int:
        """Return the units that a part has for the text from ``at`` on and for what closes it."""
        if at not in self._rooms:
            self._rooms[at] = self._limit - _units(self._opening(at, self._open_at(at))[0])
        return self._rooms[at]

    def _needed(self, place: int) -> int:
        return sum(_units(span.closing) for span in self._open_at(place))

    def _lasting(self, place: int) -> list[Span]:
        """Return what is open at a place and has an end, or may still get one."""
        return [span for span in self._open_at(place) if span.block or span.closed or self._growing]

    def _closing(self, place: int) -> str:
        return "".join(span.closing for span in reversed(self._lasting(place)))

    def _opening(self, at: int, spans: Sequence[Span]) -> tuple[str, int]:
        """Return what opens a part, and how much of the line that begins at ``at`` stands before its styles."""
        begins_line = not at or self._text[at - 1] == "\n"
        styles = "".join(span.opening for span in spans if span.closing and not span.block)
        before = "".join(
            span.opening for span in spans if not span.closing and (begins_line or span.opening[-1:] == " ")
        )
        block = spans[-1].block if spans else None
        if block is not None:
            return before + styles + block.reopening + ("" if begins_line else block.quote), 0
        if begins_line:
            lead = LINE_START.match(self._text, at).end() - at
            return before + styles, lead if styles else 0
        line = "" if before or not at else self._markup.line_at(at)
        return before + (line if _units(line) <= self._limit // 4 else "") + styles, 0

    def _part(self, at: int, end: int) -> str:
        spans = self._lasting(at)
        opening, lead = self._opening(at, spans)
        text = self._piece(at, end).rstrip()
        if self._quoted(end):
            text = _LAST_BLANK_QUOTES.sub("", text)
        if not text:
            return ""
        if lead:
            before = "".join(span.opening for span in spans if not span.closing)
            opening = before + text[:lead] + opening.removeprefix(before)
        return opening + text[lead:] + self._closing(end)

    def _piece(self, at: int, end: int) -> str:
        """Return a piece of the text, without blank lines where a block of code begins that goes on behind it."""
        block = next((span.block for span in self._markup.open_at(end) if span.block), None)
        if block is None or not at <= block.start < block.begin < end:
            return self._text[at:end]
        return self._text[at : block.head(self._text)] + self._text[block.begin : end]
