"""Words without Discord's markup, for a line in which there is none, such as a title. Pure."""

from __future__ import annotations

import re

from bot.unseen import removed

_SPOILER = re.compile(r"\|\|.+?\|\|", re.DOTALL)
_CODE_BLOCK = re.compile(r"```(?:[\w+-]*\n)?(.*?)```", re.DOTALL)
_LINK = re.compile(r"\[([^\]\n]+)\]\(<?[^)\s]+>?\)")
_EMOJI = re.compile(r"<a?(:\w+:)[0-9]+>")
_MARK = re.compile(r"<(?:@[!&]?|#|t:|/[^:>]*:|id:)[^>\s]*>")
_LINE = re.compile(r"^(?:\s*(?:>{1,3}|#{1,3}|-#|[-*+]|[0-9]+\.)\s+)+", re.MULTILINE)
_STYLE = re.compile(r"(?<!\s)\*+|\*+(?!\s)|_{2}|~~|`+|(?<!\w)_|_(?!\w)")


def plain_line(text: str) -> str:
    """Return a text as one line without markup and mentions; an ellipsis stands for each spoiler."""
    text = _SPOILER.sub("…", text)
    text = _CODE_BLOCK.sub(r"\1", text)
    text = _LINK.sub(r"\1", text)
    text = _MARK.sub(" ", _EMOJI.sub(r"\1", text))
    text = _STYLE.sub("", _LINE.sub("", text))
    return " ".join(removed(text).split())
