"""Fill a rule's reply: plain ``{names}``, ``{name:raw}``, and ``{{`` and ``}}`` for braces, nothing else.

``str.format`` would let a template reach into objects (``{author.__class__}``) and pad without end
(``{word:>999999}``). Braces that people write stay braces, and their words are not read as Discord's markdown: a name
such as ``__Ada__`` is shown as it is written. Where a backslash would show or do damage, none is put: in addresses, in
code, in mentions and custom emojis. ``{name:raw}`` inserts a value unchanged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from string import Formatter
from typing import NamedTuple

import regex

RAW = "raw"
"""What stands behind the colon of a field whose value is inserted unchanged."""

_KEPT = r"<?https?://[^\s<>]++>?|<(?:@[!&]?|\#|a?:\w++:|t:-?)\d++(?::[tTdDfFR])?>|</[^<>:\n]++:\d++>"
_MARKUP = regex.compile(
    rf"(?P<kept>{_KEPT})|^[ ]*+(?:\d++(?=\.[ ])\K\.|(?:[-+#]|>)++(?=\s))|[\\*_~|`\[\]]",
    regex.MULTILINE | regex.IGNORECASE,
)
_IN_ADDRESS = regex.compile(r"https?://[^\s<>]*+\Z", regex.IGNORECASE)


class TemplateError(ValueError):
    """A template is wrong; the message is a clause that completes a sentence."""


class Piece(NamedTuple):
    """Literal text and the name that follows it ("": none); ``raw``: its value is inserted unchanged."""

    literal: str
    name: str = ""
    raw: bool = False


class Template(NamedTuple):
    """A parsed reply."""

    pieces: tuple[Piece, ...]

    @property
    def names(self) -> frozenset[str]:
        """Return the names of all fields in the template."""
        return frozenset(piece.name for piece in self.pieces if piece.name)

    def fill(self, values: Mapping[str, str], own: Collection[str] = ()) -> str:
        """Insert the values, which must contain all names; they are not read as templates.

        ``own`` are the names of values that the owner of the rules wrote: their markdown is meant.
        """
        return "".join(
            literal + (values[name] if raw or name in own else escaped(values[name])) if name else literal
            for literal, name, raw in self.pieces
        )


def escaped(text: str) -> str:
    """Return people's words so that Discord shows them as they are written; addresses and mentions stay."""
    return str(_MARKUP.sub(lambda found: found[0] if found["kept"] else _with_backslash(found[0]), text))


def _with_backslash(sign: str) -> str:
    blanks = sign[: len(sign) - len(sign.lstrip(" "))]
    return f"{blanks}\\{sign[len(blanks) :]}"


def _keeps(before: str) -> bool:
    """Tell whether what follows stands in an address or in code, where a backslash is a character like others."""
    line = before[before.rfind("\n") + 1 :]
    return bool(_IN_ADDRESS.search(before) or before.count("```") % 2 or line.replace("```", "").count("`") % 2)


def parse(source: str) -> Template:
    """Read a template; raise TemplateError if it holds more than plain names."""
    try:
        fields = list(Formatter().parse(source))
    except ValueError as error:
        reason = f"its braces do not pair ({str(error).lower()}); write {{{{ and }}}} for braces of your own"
        raise TemplateError(reason) from error
    pieces: list[Piece] = []
    before = ""
    for literal, name, spec, conversion in fields:
        before += literal
        pieces.append(Piece(literal) if name is None else _piece(literal, name, spec or "", conversion, before))
    return Template(tuple(pieces))


def _piece(literal: str, name: str, spec: str, conversion: str | None, before: str) -> Piece:
    if conversion or spec not in {"", RAW} or not name.isidentifier():
        shown = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
        raise TemplateError(
            f"{{{shown}}} is more than a plain name; write {{name}}, or {{name:{RAW}}} for a value with its markdown, "
            "and nothing else inside the braces"
        )
    return Piece(literal, name, raw=spec == RAW or _keeps(before))
