"""The patterns of Discord's styles: bold, italics, underline, strike, spoilers; each as the clients read it.

:class:`Marks` finds which of them begins at a place of a text, and where inline code ends.
"""

from __future__ import annotations

from bisect import bisect_left

import regex

STYLES = {
    "*": (
        regex.compile(r"\*(?=\S)((?:\*\*|\\.|\s++(?:\\.|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)", regex.DOTALL),
        regex.compile(r"\*\*((?:\\.|[^\\])+?)\*\*(?!\*)", regex.DOTALL),
    ),
    "_": (
        regex.compile(r"_((?:__|\\.|[^\\_])+?)_(?![0-9A-Za-z_])", regex.DOTALL),
        regex.compile(r"__((?:\\.|[^\\])+?)__(?!_)", regex.DOTALL),
    ),
    "~~": (regex.compile(r"~~(.+?)~~", regex.DOTALL),),
    "||": (regex.compile(r"\|\|(.+?)\|\|", regex.DOTALL),),
}
"""By the sign that each begins with; the first group is what is styled. Of several the longest match counts."""
OPEN = {
    "*": (
        ("*", regex.compile(r"\*(?=\S)(?:\*\*|\\.|\s++(?:\\.|[^\s*\\]|\*\*)|[^\s*\\])++\s*+\Z", regex.DOTALL)),
        ("**", regex.compile(r"\*\*(?=.)", regex.DOTALL)),
    ),
    "_": (
        ("_", regex.compile(r"_(?=\S)(?:__|\\.|[^\\_])++\Z", regex.DOTALL)),
        ("__", regex.compile(r"__(?=.)", regex.DOTALL)),
    ),
    "~~": (("~~", regex.compile(r"~~(?=.)", regex.DOTALL)),),
    "||": (("||", regex.compile(r"\|\|(?=.)", regex.DOTALL)),),
}
"""Styles that may still get an end."""
LASTS = {"*": "\n", "_": "\n", "`": "\n", "**": "\n\n", "__": "\n\n", "~~": "\n\n"}
"""Where nobody expects an end any more; a spoiler is kept until the text ends."""


class Marks:
    """The marks of a text, which may be many: for what has no end is looked once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._hopeless: dict[tuple[str, int, int], int] = {}
        self._ticks: dict[int, list[int]] = {}
        for run in regex.finditer("`+", text):
            self._ticks.setdefault(len(run[0]), []).append(run.start())

    def style(self, at: int, sign: str, stop: int) -> regex.Match[str] | None:
        """Return the style that begins with the ``sign`` at a place and ends before ``stop``, None if none does."""
        best: regex.Match[str] | None = None
        for number, pattern in enumerate(STYLES[sign]):
            key = (sign, number, stop)
            if at >= self._hopeless.get(key, stop):
                continue
            style = pattern.match(self._text, at, stop)
            if style is None and (number or len(sign) > 1) and self._text.startswith(sign * (number + 1), at):
                # There is no further mark of this kind.
                self._hopeless[key] = at
            if style is not None and (best is None or style.end() > best.end()):
                best = style
        return best

    def code(self, at: int, length: int, stop: int, *, whole: bool = False) -> tuple[int, int] | None:
        """Return the backticks of the mark of inline code that begins with a run of them, and where its end begins.

        It may begin with fewer than the run has, unless the run is the mark as a ``whole``.
        """
        run = at + length
        for size in sorted(
            (size for size in self._ticks if size == length or (size < length and not whole)), reverse=True
        ):
            starts = self._ticks[size]
            index = bisect_left(starts, run)
            if index < len(starts) and starts[index] + size <= stop and run - length + size < starts[index]:
                return size, starts[index]
        return None
