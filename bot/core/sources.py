"""The small line under an answer that names the tools that it builds on. Pure.

It is for people. Models are not told it, because they would write such lines themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MARK = "-# \N{WRENCH} "
"""Begins a line of Discord's subtext (docs: markdown). The sign needs no translation, and no answer begins so."""
_LINE = re.compile(rf"(?:\A|\n){_MARK}[^\n]*(?:\n-# [^\n]*)?\Z")
"""It may be all of a last part. In Discord the mark of an answer that was cut may stand under it."""
_NAME = re.compile("`([^`]+)`")


def with_sources(text: str, tools: Iterable[str]) -> str:
    """Return an answer with the names of the tools under it, if there are any."""
    names = ", ".join(f"`{name}`" for name in tools)
    return f"{text.rstrip()}\n{_MARK}{names}" if names and text.strip() else text


def sources_of(text: str) -> tuple[str, ...]:
    """Return the names of the tools under an answer, or under its last part."""
    found = _LINE.search(text)
    return tuple(_NAME.findall(found[0])) if found else ()


def without_sources(text: str) -> str:
    """Return an answer, or its last part, without the names of tools under it."""
    return _LINE.sub("", text)


def parts_without_sources(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the parts of an answer without the names of tools under it, and without a last part that held no more."""
    if not parts:
        return ()
    *before, last = parts
    return (*before, said) if (said := without_sources(last)) else tuple(before)
