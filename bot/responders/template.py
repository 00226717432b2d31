"""Fill a rule's reply: plain ``{names}``, and ``{{`` and ``}}`` for braces, nothing else.

``str.format`` would let a template reach into objects (``{author.__class__}``) and pad without end
(``{word:>999999}``). Values are inserted unchanged: braces that people write stay braces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter


class TemplateError(ValueError):
    """A template is wrong; the message is a clause that completes a sentence."""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed reply: pairs of literal text and the name that follows it ("": none)."""

    pieces: tuple[tuple[str, str], ...]

    @property
    def names(self) -> frozenset[str]:
        """Return the names of all fields in the template."""
        return frozenset(name for _, name in self.pieces if name)

    def fill(self, values: Mapping[str, str]) -> str:
        """Insert the values, which must contain all names; they are not read as templates."""
        return "".join(literal + (values[name] if name else "") for literal, name in self.pieces)


def parse(source: str) -> Template:
    """Read a template; raise TemplateError if it holds more than plain names."""
    try:
        fields = list(Formatter().parse(source))
    except ValueError as error:
        reason = f"its braces do not pair ({str(error).lower()}); write {{{{ and }}}} for braces of your own"
        raise TemplateError(reason) from error
    return Template(tuple((literal, _plain(*field)) for literal, *field in fields))


def _plain(name: str | None, spec: str | None, conversion: str | None) -> str:
    if name is None:
        return ""
    if spec or conversion or not name.isidentifier():
        shown = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
        raise TemplateError(f"{{{shown}}} is more than a plain name; write {{name}} and nothing else inside the braces")
    return name
