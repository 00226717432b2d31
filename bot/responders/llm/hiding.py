"""Keep what is no answer out of a text while a model writes it: thoughts, tool calls, channels, tokens of the template.

In code, inline or in a block, everything stays: there people are shown how such signs look. A thought whose beginning
is missing, because the server's template wrote it, is known only at its end: everything before that end is taken back
(:attr:`Hiding.took_back`). What follows the beginning of another person's turn is made up, and is dropped.

Two signs may be meant as words: in the middle of a line, ``<think>`` or a tool's tag counts only if it has an end, and
an end that the sentence goes on behind is left alone.
"""

from __future__ import annotations

import regex

from bot.responders.llm.markers import AT_START, ENDINGS, LONGER, SIGN, THOUGHT_END, Ending, is_shown

_FENCE = 3
_TICKS = regex.compile(r"`+|\n")
_NEXT = regex.compile(rf"(?P<ticks>`+)|{SIGN.pattern}", regex.VERBOSE)
_NEXT_IN_LINE = regex.compile(rf"(?P<ticks>`+)|(?P<line>\n)|{SIGN.pattern}", regex.VERBOSE)
_GOES_ON = frozenset(" ,;:.!?)")
"""What follows a sign that somebody speaks of within a sentence."""
_KINDS = ("thought", "details", "call", "channel", "orphan", "person", "wrapper", "token")


class Hiding:
    """Takes a text in pieces and returns what of it may be shown, in whatever pieces it arrives.

    ``thinks``: the model is known to begin with a thought whose beginning is missing, so nothing is shown before its
    end. If there is none, everything is shown at last.
    """

    def __init__(self, *, thinks: bool = False) -> None:
        self._text = ""
        self._at = 0
        self._last = False
        self._out: list[str] = []
        self._hidden: Ending | None = Ending(THOUGHT_END, doubtful=True) if thinks else None
        self._opened = ""
        self._swallowed: list[str] = []
        self._mark = ""
        self._before = ""
        self._in_line = False
        self._shows = False
        self._after_hidden = False
        self._orphaned = False
        self._wrapper = ""
        self._ended = False
        self.took_back = False
        """Whether the newest piece took back all text before it."""
        self.thinks = False
        """Whether the text began with a thought whose beginning was missing."""

    def feed(self, text: str, *, last: bool) -> str:
        """Take a piece; return the text that can be shown now."""
        self._text, self._at, self._last = self._text[self._at :] + text, 0, last
        self._out, self.took_back = [], False
        while self._step():
            pass
        return "".join(self._out)

    def _step(self) -> bool:
        """Read on up to the next change; tell whether there may be more to read."""
        if self._ended:
            self._at = len(self._text)
            return False
        if self._hidden is not None:
            return self._swallow(self._hidden)
        if not self._mark:
            return self._plain()
        return self._fenced() if len(self._mark) >= _FENCE else self._inline()

    def _plain(self) -> bool:
        if not self._shows and (begun := self._begins()) is not None:
            return begun
        found = self._search(_NEXT)
        if found is None:
            return False
        if found["ticks"]:
            self._mark = found[0]
            self._pass(found.end())
            return True
        return self._sign(found)

    def _begins(self) -> bool | None:
        """Hide what begins with the words of a thought; None if the text does not, False if it may."""
        start = len(self._text) - len(self._text[self._at :].lstrip())
        found = AT_START.match(self._text, start, partial=not self._last)
        if found is None:
            return None
        if found.partial:
            return False
        self._at = start
        self._hide(found, ENDINGS["harmony" if found["harmony"] else "granite"])
        return True

    def _search(self, pattern: regex.Pattern[str]) -> regex.Match[str] | None:
        """Show what stands before the next match and return that; None if it is not complete, or if there is none."""
        found = pattern.search(self._text, self._at, partial=not self._last)
        self._pass(found.start() if found else len(self._text))
        # More backticks may follow.
        unfinished = found is not None and not self._last and found.end() == len(self._text) and found[0][-1:] == "`"
        return None if found is None or found.partial or unfinished else found

    def _sign(self, found: regex.Match[str]) -> bool:
        kind = next(kind for kind in _KINDS if found[kind])
        if kind == "token" and not self._last:
            longer = LONGER.match(self._text, self._at, partial=True)
            if longer is not None and longer.partial:
                return False
        if kind == "orphan":
            return self._orphan(found)
        if kind == "wrapper" and not self._wraps(found[0]):
            self._pass(found.end())
        elif kind in ENDINGS and not (kind == "channel" and is_shown(found["name"])):
            doubtful = bool(found["told"]) and self._in_line and not self._orphaned
            self._hide(found, ENDINGS[kind]._replace(doubtful=doubtful))
        else:
            self._ended = kind == "person"
            self._drop(found.end())
        return True

    def _orphan(self, found: regex.Match[str]) -> bool:
        """Treat the end of a thought that has no beginning."""
        if found["prose"] and self._in_line and self._before == " ":
            if found.end() == len(self._text) and not self._last:
                return False
            if self._text[found.end() : found.end() + 1] in _GOES_ON:
                self._pass(found.end())
                return True
        self._orphaned = self._orphaned or self._shows
        self._drop(found.end())
        return True

    def _wraps(self, tag: str) -> bool:
        """Tell whether a tag is one of a pair around the whole answer."""
        name = tag.strip("</>")
        if tag.startswith("</"):
            return self._wrapper == name
        if not self._shows:
            self._wrapper = name
        return not self._shows

    def _hide(self, found: regex.Match[str], ending: Ending) -> None:
        self._hidden, self._opened, self._swallowed = ending, found[0], []
        self._at = found.end()

    def _swallow(self, ending: Ending) -> bool:
        """Read on to the end of what is hidden."""
        found = ending.pattern.search(self._text, self._at, partial=not self._last)
        stop = found.start() if found else len(self._text)
        if stop > self._at:
            self._swallowed.append(self._text[self._at : stop])
            self._at = stop
        if found is None:
            return self._unended(ending)
        if found.partial:
            return False
        quoted = self._quoted(found)
        if quoted is None:
            return False
        if quoted:
            self._swallowed.append(found[0])
            self._at = found.end()
            return True
        self.thinks = self.thinks or not self._opened
        self._hidden = None
        self._drop(found.start() if found.groupdict().get("kept") else found.end())
        return True

    def _quoted(self, found: regex.Match[str]) -> bool | None:
        """Tell whether the model only thinks of an end, in inline code; None if the next character decides."""
        if not (self._swallowed and self._swallowed[-1].endswith("`")):
            return False
        if found.end() == len(self._text) and not self._last:
            return None
        return self._text[found.end() : found.end() + 1] == "`"

    def _unended(self, ending: Ending) -> bool:
        """Treat hidden text without an end so far; at the end of all, it may be shown after all."""
        if not (self._last and ending.doubtful):
            return False
        self._hidden = None
        self._show(self._opened)
        self._text, self._at = "".join(self._swallowed), 0
        # It is not looked at for the same beginning again.
        self._shows = self._shows or not self._opened
        return True

    def _fenced(self) -> bool:
        found = self._search(regex.compile(f"`{{{len(self._mark)},}}"))
        if found is None:
            return False
        self._mark = ""
        self._pass(found.end())
        return True

    def _inline(self) -> bool:
        found = self._search(_NEXT_IN_LINE)
        if found is None:
            return False
        if found["ticks"] or found["line"]:
            self._mark = self._after(found[0])
            self._pass(found.end())
            return True
        for ticks in _TICKS.finditer(self._text, found.end()):
            if not self._last and ticks.end() == len(self._text) and ticks[0] != "\n":
                return False
            mark = self._after(ticks[0])
            if ticks[0] == self._mark:
                self._pass(ticks.end())
            if mark != self._mark:
                # Unless it closes, the backtick before turns out to have been no code, and the sign is one.
                self._mark = ""
                return True
        self._mark = "" if self._last else self._mark
        return self._last

    def _after(self, sign: str) -> str:
        """Return the backticks of inline code that are open after other backticks or the end of a line."""
        if len(sign) >= _FENCE:
            return sign
        return "" if sign in {"\n", self._mark} else self._mark

    def _pass(self, stop: int) -> None:
        self._show(self._text[self._at : stop])
        self._at = stop

    def _drop(self, stop: int) -> None:
        self._at = stop
        self._after_hidden = True

    def _show(self, text: str) -> None:
        if self._after_hidden and self._before.isspace():
            text = text.lstrip(" \t")
        if not text:
            return
        if self._orphaned and text.strip():
            self._out.clear()
            self._shows = self._in_line = self._orphaned = False
            self.took_back = self.thinks = True
        self._after_hidden = False
        self._out.append(text)
        self._before = text[-1]
        line = text.rpartition("\n")[2]
        self._in_line = bool(line.strip()) or ("\n" not in text and self._in_line)
        self._shows = self._shows or bool(text.strip())
