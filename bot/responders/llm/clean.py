"""Make the text of a model fit to be shown, while the model writes it.

Removed: control characters, the brackets of our prompt with their content, thoughts and other text that is no answer
(:mod:`bot.responders.llm.hiding`), frames of the prompt and the bot's own name before it, blanks at both ends, and all
but one of several blank lines in a row. Nothing is added: mentions ping nobody, because they are off where messages are
sent.

Each step holds back only what may still have to be removed, so shown text never changes: the pieces that
:meth:`Cleaner.feed` returns are the beginning of the whole, in whatever pieces the text arrives. The one exception are
thoughts that nothing introduces: they are known only at their end, and taken back then (:meth:`Cleaner.taken_back`).
"""

from __future__ import annotations

import regex

from bot.responders.llm.fence import CLOSE, OPEN
from bot.responders.llm.frames import frame_at
from bot.responders.llm.hiding import Hiding
from bot.responders.text import MAX_UNITS, UNWANTED, beginning, units_of

_LONGEST_MARKER = 200
_MARKER = regex.compile(rf"{OPEN}[^{OPEN}{CLOSE}\n]{{0,{_LONGEST_MARKER}}}{CLOSE}")
_BRACKET = regex.compile(rf"[{OPEN}{CLOSE}]")
_BLANK_LINES = regex.compile(r"(?:[^\S\n]*\n){3,}")


class _Without:
    """Removes the matches of a pattern, and holds back an end that may become a match."""

    def __init__(self, pattern: regex.Pattern[str]) -> None:
        self._pattern = pattern
        self._held = ""

    def feed(self, text: str, *, last: bool) -> str:
        text = self._held + text
        done: list[str] = []
        position = 0
        while (found := self._pattern.search(text, position, partial=not last)) and not found.partial:
            done.append(text[position : found.start()])
            position = found.end()
        end = found.start() if found else len(text)
        self._held = text[end:]
        return "".join((*done, text[position:end]))


class _Lead:
    """Removes blanks, frames of the prompt and the bot's own name from the beginning."""

    def __init__(self, name: str) -> None:
        self._name = regex.compile(
            rf"[*_]{{0,3}}{regex.escape(name)}[*_]{{0,3}} ?: ?[*_]{{0,3}}\s*+(?=\S)", regex.IGNORECASE
        )
        self._named = not name
        self._held = ""
        self._begun = False

    def feed(self, text: str, *, last: bool) -> str:
        if self._begun:
            return text
        text = (self._held + text).lstrip()
        while text and not self._begun:
            end, open_end = self._lead(text, last=last)
            if open_end:
                self._held = text
                return ""
            text = text[end:].lstrip()
            self._begun = not end and bool(text)
        self._held = ""
        return text

    def _lead(self, text: str, *, last: bool) -> tuple[int, bool]:
        """Return where what is to be removed ends (0: there is nothing), and whether more text may change that."""
        end, open_end = frame_at(text, last=last)
        if end or open_end or self._named:
            return end, open_end
        found = self._name.match(text, partial=not last)
        if found is None or found.partial:
            return 0, found is not None
        self._named = True
        return found.end(), False


class _Body:
    """Holds back blanks until something follows, joins blank lines, and ends at the limit."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._held = ""

    @property
    def full(self) -> bool:
        return self._left <= 0

    def feed(self, text: str) -> str:
        if self.full:
            return ""
        text = self._held + text
        shown = text.rstrip()
        self._held = _BLANK_LINES.sub("\n\n", text[len(shown) :])
        shown = self._within(_BLANK_LINES.sub("\n\n", shown))
        if len(self._held) > self._left:
            self._left = 0
        return shown

    def _within(self, text: str) -> str:
        units = units_of(text)
        if units > self._left:
            text = beginning(text, self._left).rstrip()
            units = self._left
        self._left -= units
        return text


class Cleaner:
    """Cleans one answer as it arrives; ``name`` is the bot's own, ``limit`` in UTF-16 code units.

    ``thinks``: the model begins with thoughts that nothing introduces (:class:`Hiding`).
    """

    def __init__(self, name: str = "", limit: int = MAX_UNITS, *, thinks: bool = False) -> None:
        self._name = name
        self._limit = limit
        self._taking_out = tuple(_Without(pattern) for pattern in (UNWANTED, _MARKER, _BRACKET))
        self._hiding = Hiding(thinks=thinks)
        self._taken_back = False
        self._begin()

    def _begin(self) -> None:
        self._lead = _Lead(self._name)
        self._body = _Body(self._limit)
        self._shown: list[str] = []

    @property
    def full(self) -> bool:
        """Tell whether the limit is reached; then no more text is shown."""
        return self._body.full

    @property
    def text(self) -> str:
        """Return all text that was shown and not taken back."""
        return "".join(self._shown)

    @property
    def thinks(self) -> bool:
        """Tell whether the answer began with thoughts that nothing introduced."""
        return self._hiding.thinks

    def taken_back(self) -> bool:
        """Tell, once, whether all text that was shown before the newest piece was no part of the answer."""
        taken_back, self._taken_back = self._taken_back, False
        return taken_back

    def feed(self, text: str) -> str:
        """Take a piece; return the text that can be shown now ("": none)."""
        return self._run(text, last=False)

    def finish(self) -> str:
        """Return the text that was held back; no more text follows."""
        return self._run("", last=True)

    def _run(self, text: str, *, last: bool) -> str:
        for step in self._taking_out:
            text = step.feed(text, last=last)
        text = self._hiding.feed(text, last=last)
        if self._hiding.took_back:
            self._taken_back = self._taken_back or bool(self._shown)
            self._begin()
        text = self._body.feed(self._lead.feed(text, last=last))
        if text:
            self._shown.append(text)
        return text


def clean(text: str, name: str = "", limit: int = MAX_UNITS) -> str | None:
    """Return a whole answer fit to be shown, or None if nothing is left of it."""
    cleaner = Cleaner(name, limit)
    cleaner.feed(text)
    cleaner.finish()
    return cleaner.text or None
