"""Fill a rule's reply: plain ``{names}`` and ``{{``, ``}}`` for braces, nothing else.

``str.format`` would let a template reach into objects (``{author.__class__}``) and pad without end
(``{word:>999999}``). Values are inserted as they are: braces that people write stay braces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter


class TemplateError(ValueError):
    """Say what is wrong with a template, as a clause to finish a sentence with."""


@dataclass(frozen=True, slots=True)
class Template:
    """Hold a parsed reply: pairs of literal text and the name that follows it ("" for none)."""

    pieces: tuple[tuple[str, str], ...]

    @property
    def names(self) -> frozenset[str]:
        """Name every field the template fills."""
        return frozenset(name for _, name in self.pieces if name)

    def fill(self, values: Mapping[str, str]) -> str:
        """Insert the values, which must hold every name, without reading them as templates."""
        return "".join(literal + (values[name] if name else "") for literal, name in self.pieces)


def parse(source: str) -> Template:
    """Read a template; raise TemplateError where it holds more than plain names."""
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
