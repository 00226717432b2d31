"""Reads Discord's markdown in a text: what is open at each place, and where no message may end.

Discord's clients read it with simple-markdown: from the left, the first construct that has an end counts, and what is
within it is read by itself. The patterns of the styles here are those of the clients. Blocks of code go before
everything else, because that is what is meant. A style without an end may get one while the text is still written, so
it is read as open up to the end of the text (:attr:`Span.closed`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import regex

from bot.core.fences import Block
from bot.core.styles import LASTS, OPEN, Marks

LONGEST_ATOM = 256
"""Characters up to which inline code and the words of a link are kept whole."""

_URL = r"https?://[^\s<>]++"
LINK = (
    rf"\[[^\[\]\n]{{1,{LONGEST_ATOM}}}+\]"
    r'\((?:<[^<>\n]*+>|[^\s()<>]*+(?:\([^\s()]*+\)[^\s()<>]*+)*+)(?:[ ]++"[^"\n]*+")?\)'
)
_ATOM = (
    rf"(?i:{LINK}|<{_URL}>|{_URL})|<(?:@[!&]?|\#|a?:\w{{1,64}}+:|t:-?)\d++(?::[a-zA-Z])?>"
    r"|</[^<>\n]{1,100}:\d++>|<id:[a-z-]{1,30}(?::\d++)?>"
)
_QUOTE = r"[ ]*+>(?!>>)[ ]++"
_HEAD = r"[ ]*+(?:\#{1,3}|-\#)[ ]++"
_ITEM = r"[ ]*+(?:[*-]|\d++\.)[ ]++"
LINE_START = regex.compile(rf"(?P<quote>{_QUOTE})?+(?P<head>{_HEAD})?+(?P<item>{_ITEM})?+")
"""What a line may begin with: a block quote, a heading, the sign of a list's item."""
TOKEN = regex.compile(
    rf"""
      ^(?:(?P<rest>[ ]*+>>>[ ]++)|(?P<quote>{_QUOTE})|(?P<head>{_HEAD})|(?P<item>{_ITEM}))
    | (?P<atom>\\[^0-9A-Za-z\s]|{_ATOM})
    | (?P<ticks>`++) | (?P<mark>\*|_|~~|\|\|)
    """,
    regex.VERBOSE | regex.MULTILINE,
)
"""What markup may begin with: a sign at the beginning of a line, an atom, backticks, a style's mark."""
_AFTER_QUOTE = regex.compile(rf"(?P<head>{_HEAD})|(?P<item>{_ITEM})|(?P<quote>(?!))|(?P<rest>(?!))")
ADDRESS = regex.compile(_URL, regex.IGNORECASE)
"""An address of the web: all up to the next blank."""
ITEM_END = regex.compile(r"\n(?=[ ]*+(?:[*-]|\d++\.)[ ]|[ ]*+\n|[^ \n])")
"""The end of a list's item: before the next item, a blank line, or a line that is not indented."""
NOT_QUOTED = regex.compile(rf"\n(?!{_QUOTE})")
"""The end of a block quote: before a line without its sign."""
_TABLE = regex.compile(r"(?P<first>^[ ]*+\|(?!\|)[^\n]*+(?:\n|\Z))(?:[ ]*+\|(?!\|)[^\n]*+(?:\n|\Z))*+", regex.MULTILINE)
_TABLE_HEAD = regex.compile(r"[^\n]*+\n[ ]*+\|[ ]*+:?-[-:| ]*+\n")
_NONBLANK = regex.compile(r"\S")


class Span(NamedTuple):
    """A part of the text in one style or block: from its first character to its last, without its marks.

    ``opening`` and ``closing`` are what a message needs that begins or ends within it. ``closed``: it has an end.
    """

    start: int
    end: int
    opening: str
    closing: str
    closed: bool = True
    block: Block | None = None

    def lasts(self, text: str, place: int) -> bool:
        """Tell whether it may still get its end after ``place``, if it has none yet.

        Nobody expects one of a sign within a word, as in ``snake_case``.
        """
        end = LASTS.get(self.closing.strip())
        if self.closed or end is None:
            return True
        before = text[max(self.start - len(self.closing) - 1, 0) : self.start - len(self.closing)]
        return not before.isalnum() and end not in text[self.start : place]


@dataclass(slots=True)
class Markup:
    """What is open where in a text, and the intervals to keep whole, in order and without overlaps."""

    text: str
    wholes: list[tuple[int, int]]
    _places: list[int]
    _open: list[tuple[Span, ...]]

    def open_at(self, place: int) -> tuple[Span, ...]:
        """Return what is open at a place, from the outermost."""
        return self._open[bisect_right(self._places, place) - 1]

    def whole_at(self, place: int) -> tuple[int, int] | None:
        """Return the interval that a cut at ``place`` would tear."""
        index = bisect_left(self.wholes, (place,)) - 1
        return self.wholes[index] if index >= 0 and place < self.wholes[index][1] else None

    def line_at(self, place: int) -> str:
        """Return the block quote and the heading that the line of a place begins with, for the rest of that line."""
        start = self.text.rfind("\n", 0, place) + 1
        found = LINE_START.match(self.text, start)
        return (found["quote"] or "") + (found["head"] or "") if found.end() <= place else ""


def read(text: str, blocks: Sequence[Block], *, growing: bool = False) -> Markup:
    """Read a text with these blocks of code; ``growing``: more of it may follow."""
    reader = _Reader(text, blocks, growing=growing)
    reader.scan(0, len(text), open_end=True)
    for block in blocks:
        reader.add_block(block)
    reader.add_tables()
    return Markup(text, _merged(reader.wholes), *_states(reader.spans))


class _Reader:
    def __init__(self, text: str, blocks: Sequence[Block], *, growing: bool) -> None:
        self._text = text
        self._blocks = blocks
        self._starts = [block.start for block in blocks]
        self._growing = growing
        self._masked = _masked(text, blocks)
        self._marks = Marks(self._masked)
        self.spans: list[Span] = []
        self.wholes: list[tuple[int, int]] = []

    def add_block(self, block: Block) -> None:
        """Add a block of code; between its fences and its code there is no place to cut."""
        if block.stop <= block.begin:
            self.wholes.append((block.start, block.end))
            return
        stop = block.stop if block.closed else len(self._text) + 1
        self.spans.append(Span(block.begin, stop, block.reopening, block.closing, block.closed, block))
        self.wholes.append((block.start, block.begin + 1))
        self.wholes += (link.span() for link in ADDRESS.finditer(self._text, block.begin, block.stop))
        if block.closed:
            self.wholes.append((block.stop - 1, block.end))

    def add_tables(self) -> None:
        """Add tables, whose heading stands above further rows, too."""
        for span, first in _tables(self._text, self._masked, growing=self._growing):
            if first[1] - first[0] <= 2 * LONGEST_ATOM:
                self.wholes.append(first)
                self.spans += [span] if span else []

    def scan(self, start: int, stop: int, *, open_end: bool, quoted: bool = False) -> None:
        """Read a part of the text; ``open_end``: what is open at its end may still get an end."""
        at = start
        while found := TOKEN.search(self._text, at, stop):
            block = self._block_at(found.start())
            if block is not None:
                at = max(block.end, at + 1)
            elif found["mark"]:
                at = self._mark(found, stop, open_end=open_end, quoted=quoted)
            elif found["ticks"]:
                at = self._code(found.start(), len(found[0]), stop, open_end=open_end)
            elif found["atom"]:
                self.wholes.append(found.span())
                at = found.end()
            else:
                at = self._line(found, stop, open_end=open_end, quoted=quoted)

    def _block_at(self, place: int) -> Block | None:
        index = bisect_right(self._starts, place) - 1
        return self._blocks[index] if index >= 0 and place < self._blocks[index].end else None

    def _line(self, found: regex.Match[str], stop: int, *, open_end: bool, quoted: bool) -> int:
        """Read what a line begins with, and the rest of the block; return where to read on."""
        begin: int = found.end()
        following = _NONBLANK.search(self._text, begin, stop)
        if following is not None:
            self.wholes.append((found.start(), following.end()))
        if found["rest"]:
            if not quoted:
                self.spans.append(Span(begin, stop + (stop == len(self._text)), ">>> ", ""))
            return begin
        if found["quote"] and quoted:
            inner = _AFTER_QUOTE.match(self._text, begin, stop)
            return self._line(inner, stop, open_end=open_end, quoted=True) if inner else begin
        pattern = NOT_QUOTED if found["quote"] else ITEM_END if found["item"] else regex.compile("\n")
        end = pattern.search(self._masked, begin, stop)
        last: int = end.start() if end else stop
        still = open_end and (end is None or (found["quote"] is not None and end.end() == len(self._text)))
        # Each line of a block quote is read by itself, the first one once more.
        inner = found.start() if found["quote"] else begin
        self.scan(inner, last, open_end=still and last == len(self._text), quoted=quoted or bool(found["quote"]))
        return max(last, begin)

    def _mark(self, found: regex.Match[str], stop: int, *, open_end: bool, quoted: bool) -> int:
        """Read a style that begins here, if any does; return where to read on."""
        at, sign = found.start(), found[0]
        best = self._marks.style(at, sign, stop)
        if best is not None:
            return self._style(at, best, quoted=quoted)
        if open_end and stop == len(self._text):
            for mark, pattern in OPEN[sign]:
                if pattern.match(self._masked, at, stop):
                    return self._unfinished(at, mark, stop, quoted=quoted)
        place: int = found.end()
        return place

    def _style(self, at: int, style: regex.Match[str], *, quoted: bool) -> int:
        start, stop = style.span(1)
        end: int = style.end()
        mark = self._text[at:start]
        self.spans.append(Span(start, stop, mark, mark))
        self._glue(at, start, stop, end)
        self.scan(start, stop, open_end=False, quoted=quoted)
        return end

    def _unfinished(self, at: int, mark: str, stop: int, *, quoted: bool) -> int:
        start = at + len(mark)
        self.spans.append(Span(start, stop + 1, mark, mark, closed=False))
        self._glue(at, start, stop, stop)
        self.scan(start, stop, open_end=True, quoted=quoted)
        return stop

    def _glue(self, at: int, start: int, stop: int, end: int) -> None:
        """Keep each mark together with what it is next to."""
        first = _NONBLANK.search(self._text, start, stop)
        if first is None:
            self.wholes.append((at, end))
            return
        self.wholes.append((at, first.end()))
        if end > stop:
            last = start + len(self._text[start:stop].rstrip())
            self.wholes.append((last - 1, end))

    def _code(self, at: int, length: int, stop: int, *, open_end: bool) -> int:
        """Read inline code, which ends with as many backticks as it begins with; return where to read on."""
        run = at + length
        waits = self._growing and open_end and stop == len(self._text) and "\n" not in self._text[run:stop]
        code = self._marks.code(at, length, stop, whole=waits)
        if code is not None:
            size, end = code
            return self._coded(at, at + size, end, end + size)
        if waits:
            self.spans.append(Span(run, stop + 1, "`" * length, "`" * length, closed=False))
            self._glue(at, run, stop, stop)
            return stop
        return run

    def _coded(self, at: int, start: int, stop: int, end: int) -> int:
        if end - at <= LONGEST_ATOM or self._text[start:stop].isspace():
            self.wholes.append((at, end))
            return end
        mark = self._text[at:start]
        self.spans.append(Span(start, stop, mark, mark))
        self._glue(at, start, stop, end)
        for run in regex.finditer("`+", self._text, pos=start, endpos=stop):
            self.wholes.append((max(run.start() - 1, start), min(run.end() + 1, stop)))
        return end


def _masked(text: str, blocks: Sequence[Block]) -> str:
    """Return the text without the marks in blocks of code, which mean nothing to what is around them."""
    pieces: list[str] = []
    at = 0
    for block in blocks:
        pieces += text[at : block.start], "x" * (block.end - block.start)
        at = block.end
    return "".join((*pieces, text[at:]))


def _tables(text: str, masked: str, *, growing: bool) -> Iterator[tuple[Span | None, tuple[int, int]]]:
    """Find tables: each as what its further rows need before them, if it has a heading, and its first rows."""
    for run in _TABLE.finditer(masked):
        found = _TABLE_HEAD.match(text, run.start(), run.end())
        head = found.end() if found else run.end("first")
        span = Span(head, run.end(), found[0], "") if found and head < run.end() else None
        # While its second line is written, nobody knows whether it makes the first one a heading.
        begun = growing and run.end() == len(text) and not found and text.find("\n", head, run.end()) < 0
        yield span, (run.start(), run.end() if begun else min(head + 1, run.end()))


def _merged(wholes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return intervals in order, with those joined that overlap."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(wholes):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _states(spans: Sequence[Span]) -> tuple[list[int], list[tuple[Span, ...]]]:
    """Return places in order, each with what is open from there on; at its first place a span is not open yet."""
    places = [0]
    states: list[tuple[Span, ...]] = [()]
    for place, span, begins in sorted(_edges(spans), key=lambda edge: (edge[0], edge[2], -edge[1].end)):
        state = states[-1]
        state = (*state, span) if begins else tuple(each for each in state if each is not span)
        if places[-1] == place:
            states[-1] = state
        else:
            places.append(place)
            states.append(state)
    return places, states


def _edges(spans: Sequence[Span]) -> Iterator[tuple[int, Span, bool]]:
    for span in spans:
        if span.start < span.end:
            yield span.start, span, True
            yield span.end, span, False
