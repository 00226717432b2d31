"""Words as Discord shows them: its markdown as HTML, which holds no elements but those that are written here.

Discord's patterns are those by which answers are cut (:mod:`bot.core.markup`), and what stands for a mention is what is
found by a search (:mod:`bot.core.seen`). What has no end stays text, as do addresses of other kinds than ``http`` and
``https``, and a link whose words look like another address. No picture is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import NamedTuple

import regex
from markupsafe import Markup, escape

from bot.core.markup import ADDRESS, ITEM_END, NOT_QUOTED, TOKEN
from bot.core.seen import file_lines, with_names, written
from bot.core.styles import Marks
from bot.moderation.transcript import Wording
from bot.times import SECOND, iso_time
from bot.unseen import escaped

LONGEST = 4000
"""Characters up to which markdown is read: those of the longest message that people can write in Discord."""
DEEPEST = 8
"""So many constructs may stand one within the other; what is deeper stays text."""

_SIGN = re.compile(r"[*_~`\\<]|\|\||://|^ *(?:[>#-]|\d+\.)", re.MULTILINE)
"""Without one of these there is no markdown: said cheaply, for most messages have none."""
_STYLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "*": ("<em>", "</em>"),
        "_": ("<em>", "</em>"),
        "**": ("<strong>", "</strong>"),
        "__": ("<u>", "</u>"),
        "~~": ("<s>", "</s>"),
        "||": ('<details class="spoiler"><summary>spoiler</summary><span>', "</span></details>"),
    }
)
_HEADS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        # A heading of the page would tear its outline.
        "#": ('<span class="head head1">', "</span>"),
        "##": ('<span class="head head2">', "</span>"),
        "###": ('<span class="head head3">', "</span>"),
        "-#": ('<small class="head">', "</small>"),
    }
)
_LINK = '<a href="{}"{} rel="noreferrer noopener nofollow" target="_blank">{}</a>'
_FENCE = "```"
_QUOTE_SIGN = re.compile(r"^ *> ?", re.MULTILINE)
_LANGUAGE = re.compile(r"[a-z0-9_+\-.#]+(?=\n)", re.IGNORECASE)
_GAP = re.compile(r"\n(?: *\n)*")
"""What may be between two items of a list: lines without words."""
_NUMBER = 10
"""Signs of an item's number with its point; HTML's go a little further."""


class _Item(NamedTuple):
    """An item of a list: its indentation, its number or its bullet, and what it holds as HTML."""

    indent: int
    sign: str
    html: str


def visible(text: str) -> str:
    """Return people's words with their lines; what nobody would see of them is escaped."""
    return "\n".join(escaped(line) for line in text.split("\n"))


def shown(wording: Wording) -> Markup:
    """Return the words of a message as HTML; in names of files there is no markdown."""
    body = wording.body
    if body is None:
        return escape(visible(wording.text))
    words = markdown(written(body, wording.part), dict(body.names))
    if not body.files:
        return words
    return Markup("\n").join(filter(None, (words, *(escape(visible(line)) for line in file_lines(body)))))


def markdown(text: str, names: Mapping[str, str] = MappingProxyType({})) -> Markup:
    """Return a text as HTML; ``names`` are those that are mentioned in it (:class:`bot.core.events.Named`), by mark."""
    if len(text) > LONGEST or _SIGN.search(text) is None:
        return escape(visible(with_names(text, names)))
    text = visible(text)
    return Markup(_Writer(text, names).html(0, len(text)))  # noqa: S704 - the writer escapes each piece of the text


class _Writer:
    """Writes a text, or a part of one that is read by itself: what is in a block quote, or in an item."""

    def __init__(self, text: str, names: Mapping[str, str], *, depth: int = 0, quoted: bool = False) -> None:
        self._text = text
        self._names = names
        self._depth, self._quoted, self._linked = depth, quoted, False
        self._marks = Marks(text)

    def html(self, start: int, stop: int) -> str:
        """Return a part of the text."""
        if self._depth >= DEEPEST:
            return escape(self._text[start:stop])
        self._depth += 1
        pieces: list[str] = []
        shown = at = start
        while found := TOKEN.search(self._text, at, stop):
            written = self._written(found, stop)
            if written is None:
                at = found.start() + 1 if found["atom"] else found.end()
                continue
            html, at = written
            pieces += escape(self._text[shown : found.start()]), html
            shown = at
        self._depth -= 1
        pieces.append(escape(self._text[shown:stop]))
        return "".join(pieces)

    def _written(self, found: regex.Match[str], stop: int) -> tuple[str, int] | None:
        """Return what begins here as HTML, and where it ends; None if it is text."""
        at: int = found.start()
        if found["mark"]:
            return self._style(at, found[0], stop)
        if found["atom"]:
            return self._atom(at, found[0])
        if found["ticks"]:
            return self._block(at, stop) or self._code(at, len(found[0]), stop)
        if found["head"]:
            return self._head(found, stop)
        return self._list(found, stop) if found["item"] else self._quote(found, stop)

    def _style(self, at: int, sign: str, stop: int) -> tuple[str, int] | None:
        style = self._marks.style(at, sign, stop)
        if style is None or (sign == "||" and self._linked):
            return None
        start, end = style.span(1)
        before, behind = _STYLES[self._text[at:start]]
        return f"{before}{self.html(start, end)}{behind}", style.end()

    def _atom(self, at: int, atom: str) -> tuple[str, int] | None:
        end = at + len(atom)
        if atom[0] == "\\":
            return escape(atom[1]), end
        if atom[0] == "[":
            html = self._masked(at, atom)
        elif atom[0] != "<":
            address = _without_punctuation(atom)
            html, end = self._address(address), at + len(address)
        elif atom[1] in "hH":
            html = self._address(atom[1:-1])
        else:
            html = self._reference(atom)
        return None if html is None else (html, end)

    def _address(self, address: str) -> str | None:
        """Return a link that is not masked: to a place in Discord by that place's name."""
        words = with_names(address, self._names)
        return _link(address, escape(visible(words)), "" if words == address else address)

    def _masked(self, at: int, atom: str) -> str | None:
        """Return a link with words of its own, None for words that look like another address."""
        words, _, rest = atom[1:-1].partition("](")
        if "://" in words or not words.strip():
            return None
        address = rest[1:].partition(">")[0] if rest.startswith("<") else rest.partition(" ")[0]
        self._linked = True
        html = _link(address, self.html(at + 1, at + 1 + len(words)), rest)
        self._linked = False
        return html

    def _reference(self, atom: str) -> str | None:
        """Return a mention, an emoji, a command or a time; None for what is none."""
        words = escape(visible(with_names(atom, self._names)))
        if words == escape(atom):
            return None
        title = escape(atom)
        if atom.startswith("<t:"):
            return _time(int(atom[3:-1].partition(":")[0]), words, title)
        kind = "emoji" if ":" in atom[:3] else "mention"
        return f'<span class="{kind}" title="{title}">{words}</span>'

    def _block(self, at: int, stop: int) -> tuple[str, int] | None:
        """Return the block of code that begins here; a language that nothing follows is its code."""
        if not self._text.startswith(_FENCE, at, stop):
            return None
        start = at + len(_FENCE)
        language = _LANGUAGE.match(self._text, start, stop)
        for name in (language[0], "") if language else ("",):
            begin = start + len(name)
            while self._text.startswith("\n", begin, stop):
                begin += 1
            end = self._text.find(_FENCE, begin + 1, stop)
            if end >= 0:
                label = f'<span class="language">{escape(name)}</span>' if name else ""
                code = escape(self._text[begin:end].rstrip("\n"))
                return f"<pre>{label}<code>{code}</code></pre>", self._behind(end + len(_FENCE), stop)
        return None

    def _code(self, at: int, length: int, stop: int) -> tuple[str, int] | None:
        code = self._marks.code(at, length, stop)
        if code is None:
            return None
        size, end = code
        return f"<code>{escape(self._text[at + size : end])}</code>", end + size

    def _head(self, found: regex.Match[str], stop: int) -> tuple[str, int] | None:
        begin: int = found.end()
        end = self._text.find("\n", begin, stop)
        last = stop if end < 0 else end
        kind = found["head"].strip()
        words = self._text[begin:last].rstrip()
        # As in other kinds of markdown, a heading may end with its sign.
        length = len(words if kind == "-#" else words.rstrip("#"))
        if not length:
            return None
        before, behind = _HEADS[kind]
        return f"{before}{self.html(begin, begin + length)}{behind}", self._behind(last, stop)

    def _quote(self, found: regex.Match[str], stop: int) -> tuple[str, int] | None:
        if self._quoted:
            return None
        if found["rest"]:
            return f"<blockquote>{self._inner(self._text[found.end() : stop], quoted=True)}</blockquote>", stop
        end = NOT_QUOTED.search(self._text, found.end(), stop)
        last: int = end.start() if end else stop
        words = _QUOTE_SIGN.sub("", self._text[found.start() : last])
        return f"<blockquote>{self._inner(words, quoted=True)}</blockquote>", self._behind(last, stop)

    def _list(self, found: regex.Match[str], stop: int) -> tuple[str, int] | None:
        items: list[_Item] = []
        last: int = found.start()
        item: regex.Match[str] | None = found
        while item is not None and self._is_item(item, stop):
            end = ITEM_END.search(self._text, item.end(), stop)
            last = end.start() if end else stop
            html = self._inner(self._text[item.end() : last], quoted=self._quoted)
            indent = len(item["item"]) - len(item["item"].lstrip())
            items.append(_Item(indent, item["item"].strip().rstrip("."), html))
            gap = _GAP.match(self._text, last, stop)
            item = TOKEN.match(self._text, gap.end(), stop) if gap else None
        return ("".join(_nested(items)), self._behind(last, stop)) if items else None

    def _is_item(self, found: regex.Match[str], stop: int) -> bool:
        """Tell whether an item begins here: words follow its sign in the same line."""
        end: int = found.end()
        short = found["item"] is not None and len(found["item"].strip()) <= _NUMBER
        return short and end < stop and self._text[end] != "\n"

    def _inner(self, words: str, *, quoted: bool) -> str:
        return _Writer(words, self._names, depth=self._depth, quoted=quoted).html(0, len(words))

    def _behind(self, end: int, stop: int) -> int:
        """Return the place behind a block: the block itself shows the end of its line."""
        return end + self._text.startswith("\n", end, stop)


def _link(address: str, words: str, title: str = "") -> str | None:
    """Return a link, None where the address is none of the web; ``words`` are HTML."""
    if not ADDRESS.fullmatch(address):
        return None
    return _LINK.format(escape(address), f' title="{escape(title)}"' if title else "", words)


def _without_punctuation(address: str) -> str:
    """Return an address without the marks of the sentence that it stands in."""
    address = address.rstrip(".,:;\"']")
    surplus = address.count(")") - address.count("(")
    while surplus > 0 and address.endswith(")"):
        address, surplus = address[:-1], surplus - 1
    return address


def _time(seconds: int, words: str, title: str) -> str | None:
    """Return a time in UTC, None for one outside of the calendar."""
    with suppress(OverflowError):
        return f'<time datetime="{iso_time(seconds * SECOND)}" title="{title}">{words}</time>'
    return None


def _nested(items: Iterable[_Item]) -> Iterator[str]:
    """Yield the items of a list as HTML: those that are indented further are lists within an item."""
    begun: list[tuple[int, str]] = []
    for item in items:
        kind = "ol" if item.sign.isdecimal() else "ul"
        while begun and (begun[-1][0] > item.indent or (begun[-1][0] == item.indent and begun[-1][1] != kind)):
            yield f"</li></{begun.pop()[1]}>"
        if begun and (begun[-1][0] == item.indent or len(begun) == DEEPEST):
            yield "</li><li>"
        else:
            begun.append((item.indent, kind))
            yield f'<ol start="{int(item.sign)}"><li>' if kind == "ol" else "<ul><li>"
        yield item.html
    for _, kind in reversed(begun):
        yield f"</li></{kind}>"
