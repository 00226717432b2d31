"""The patterns of Discord's styles: bold, italics, underline, strike, spoilers; each as the clients read it."""

from __future__ import annotations

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
