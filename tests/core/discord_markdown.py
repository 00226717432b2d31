"""What a reader of Discord sees of a text: its visible characters, each with the styles it is shown in.

This follows the rules of Discord's clients (simple-markdown with their patterns), and shares nothing with the bot.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

import regex

Styles = frozenset[str]


class Shown(NamedTuple):
    """A visible character, or a sign such as a mention or the number of an item, and its styles."""

    sign: str
    styles: Styles


NOTHING: Styles = frozenset()
_HEADING = regex.compile(r" *(#{1,3})\s+([^\n]+?)#*\s*(?:\n|$)")
_SUBTEXT = regex.compile(r" *-#(?!#)\s+([^\n]+?)\s*(?:\n|$)")
_CODE_BLOCK = regex.compile(r"```(?:([a-z0-9_+\-.#]+?)\n)?\n*([^\n][\s\S]*?)\n*```", regex.IGNORECASE)
_QUOTE = regex.compile(r"( *>>> +([\s\S]*))|( *>(?!>>) +[^\n]*(\n *>(?!>>) +[^\n]*)*\n?)")
_ITEM = regex.compile(r"( *)([*-]|\d+\.) +(?=\S)")
_ITEM_END = regex.compile(r"\n(?= *(?:[*-]|\d+\.) | *\n|[^ \n])")
_ESCAPE = regex.compile(r"\\([^0-9A-Za-z\s])")
_AUTOLINK = regex.compile(r"<(https?://[^ >]+)>")
_URL = regex.compile(r"https?://[^\s<]+[^<.,:;\"'\]\s]")
_LINK = regex.compile(
    r"\[((?:\[[^\]]*\]|[^\[\]]|\](?=[^\[]*\]))*)\]\(\s*<?((?:\([^)]*\)|[^\s\\]|\\.)*?)>?(?:\s+['\"]([\s\S]*?)['\"])?\s*\)"
)
_SIGN = regex.compile(r"<(?:@[!&]?|#|a?:\w+:|t:-?)\d+(?::[a-zA-Z])?>")
_EM = (
    regex.compile(r"\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)"),
    regex.compile(r"_((?:__|\\[\s\S]|[^\\_])+?)_(?![0-9A-Za-z_])"),
)
_STRONG = regex.compile(r"\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)")
_UNDER = regex.compile(r"__((?:\\[\s\S]|[^\\])+?)__(?!_)")
_INLINE_CODE = regex.compile(r"(`+)([\s\S]*?[^`])\1(?!`)")
_STRIKE = regex.compile(r"~~([\s\S]+?)~~")
_SPOILER = regex.compile(r"\|\|([\s\S]+?)\|\|")


def shown(text: str) -> list[Shown]:
    """Return what a reader sees; blanks are left out."""
    return list(_block(text, NOTHING, {}))


def _plain(text: str, styles: Styles) -> Generator[Shown, None, None]:
    return (Shown(sign, styles) for sign in text if sign.strip())


def _block(text: str, styles: Styles, counts: dict[int, int]) -> Generator[Shown, None, None]:
    at = 0
    while at < len(text):
        found = None
        if not text[:at].rpartition("\n")[2].strip():
            line = text.rfind("\n", 0, at) + 1
            if line == at and text[at] not in " \n" and not _ITEM.match(text, at):
                counts.clear()
            found = yield from _at_line(text, at, styles, counts)
        at = found or (yield from _inline(text, at, styles))


def _at_line(text: str, at: int, styles: Styles, counts: dict[int, int]) -> Generator[Shown, None, int | None]:
    """Show a block that begins with a line; return its end, None if none begins here."""
    if found := _HEADING.match(text, at):
        yield from _block(found[2], styles | {found[1]}, {})
        return int(found.end())
    if found := _SUBTEXT.match(text, at):
        yield from _block(found[1], styles | {"-#"}, {})
        return int(found.end())
    if "quote" not in styles and (found := _QUOTE.match(text, at)):
        pattern = r"^ *>>> ?" if found[1] else r"(?m)^ *> ?"
        yield from _block(regex.sub(pattern, "", found[0]), styles | {"quote"}, {})
        return int(found.end())
    if found := _ITEM.match(text, at):
        return (yield from _item(text, found, styles, counts))
    return None


def _item(text: str, found: regex.Match[str], styles: Styles, counts: dict[int, int]) -> Generator[Shown, None, int]:
    indent = len(found[1])
    for deeper in [each for each in counts if each > indent]:
        del counts[deeper]
    if found[2] in "*-":
        counts.pop(indent, None)
        yield Shown("•", styles)
    else:
        counts[indent] = counts.get(indent, int(found[2][:-1]) - 1) + 1
        yield Shown(f"{counts[indent]}.", styles)
    end = _ITEM_END.search(text, found.end())
    stop = end.start() if end else len(text)
    yield from _block(text[found.end() : stop], styles, {})
    return stop


def _inline(text: str, at: int, styles: Styles) -> Generator[Shown, None, int]:
    """Show what stands at a place, and return where it ends."""
    if found := _CODE_BLOCK.match(text, at):
        yield from _plain(found[2], styles | {f"block {found[1] or ''}"})
    elif found := _ESCAPE.match(text, at):
        yield from _plain(found[1], styles)
    elif found := _AUTOLINK.match(text, at) or _URL.match(text, at):
        yield Shown(found[0], styles)
    elif found := _LINK.match(text, at):
        yield from _block(found[1], styles | {found[2]}, {})
    elif found := _SIGN.match(text, at):
        yield Shown(found[0], styles)
    elif found := _INLINE_CODE.match(text, at):
        yield from _plain(found[2], styles | {"code"})
    elif found := _longest(text, at):
        yield from _block(found[1], styles | {found.re.pattern}, {})
    else:
        yield from _plain(text[at], styles)
        return at + 1
    return int(found.end())


def _longest(text: str, at: int) -> regex.Match[str] | None:
    styles = (pattern.match(text, at) for pattern in (*_EM, _STRONG, _UNDER))
    best = max((each for each in styles if each), key=lambda each: each.end(), default=None)
    return best or _STRIKE.match(text, at) or _SPOILER.match(text, at)
