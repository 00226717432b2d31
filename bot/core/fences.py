"""Finds the fenced blocks of code in a text: those of CommonMark and those that only Discord shows as blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

import regex

# A run of backticks anywhere or of tildes at the start of a line; ``info`` is the rest of its line, None where more
# backticks follow in it.
_RUN = regex.compile(
    r"(?:(?P<first>^[ \t]*+(?P<quote>>[ ]++)?+[ \t]*+)(?P<mark>`{3,}+|~{3,}+)|(?P<mark>`{3,}+))"
    r"(?:(?=(?P<info>[^`\n]*+)$)|)",
    regex.MULTILINE,
)
_LANGUAGE = regex.compile(r"[\w+.#-]*+\s*+")
_BLANK_QUOTES = regex.compile(r"(?:[ ]*+>[ ]*+\n)*+")
_LAST_BLANK_QUOTES = regex.compile(r"(?:\n[ ]*+>[ ]*+)++\Z")
_BLANK_LINES = regex.compile(r"(?:[^\S\n]*+\n)*+")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of code: where it is, and where its code is (``begin``, ``stop``), without blanks at its ends.

    ``info`` is the rest of the opening line, ``quote`` what stands before each line of a block in a block quote.
    ``heads``: the block begins a line.
    """

    start: int
    end: int
    begin: int
    stop: int
    mark: str
    info: str
    quote: str
    heads: bool
    closed: bool

    def head(self, text: str) -> int:
        """Return where the line ends that opens it in ``text``; blank lines may follow before its code."""
        end = text.find("\n", self.start, self.begin) + 1
        return end or self.begin

    @property
    def reopening(self) -> str:
        """Return what opens a further piece, with the language: the first word of ``info``."""
        return f"{self.quote}{self.mark}{''.join(self.info.split()[:1])}\n"

    @property
    def closing(self) -> str:
        """Return what closes a piece."""
        return f"\n{self.quote}{self.mark}"


def blocks_of(text: str) -> Iterator[Block]:
    """Find the fenced blocks.

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
        elif heads or _begins_block(text, opener):
            yield _block(text, opener, None, heads=heads)
            return
        index += 1


def _begins_block(text: str, opener: regex.Match[str]) -> bool:
    """Tell whether a fence in the middle of a line looks like the beginning of a block: a language, then a line end."""
    end = opener.end("info")
    return opener["info"] is not None and bool(_LANGUAGE.fullmatch(opener["info"])) and text[end : end + 1] == "\n"


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


def _block(text: str, opener: regex.Match[str], closer: regex.Match[str] | None, *, heads: bool) -> Block:
    mark, info = opener["mark"], opener["info"]
    if info is None or not (heads or _LANGUAGE.fullmatch(info)):
        info = ""
    inside = opener.end("mark") + len(info)
    stop = closer.start() if closer else len(text)
    begin = min(_BLANK_LINES.match(text, inside).end(), stop)
    body = text[begin:stop].rstrip()
    if opener["quote"]:
        begin = min(_BLANK_QUOTES.match(text, begin).end(), stop)
        body = _LAST_BLANK_QUOTES.sub("", text[begin:stop].rstrip())
    return Block(
        start=opener.start("mark"),
        end=closer.end("mark") if closer else len(text),
        begin=begin,
        stop=begin + len(body),
        mark=mark,
        info=info.strip(),
        quote=opener["quote"] or "",
        heads=opener["first"] is not None,
        closed=closer is not None,
    )
