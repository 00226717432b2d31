"""The line of each setting in a TOML file, which the parser of the standard library does not tell."""

from __future__ import annotations

import re
import tomllib
from collections import Counter

Place = tuple[str | int, ...]

STRING_OR_COMMENT = re.compile(
    r"""
      "{3} (?: \\. | [^\\] )*? "{3} (?!")  # two quotes may stand before the three that close
    | '{3} .*? '{3} (?!')
    | " (?: \\. | [^"\\\n] )* "
    | ' [^'\n]* '
    | \# [^\n]*
    """,
    re.DOTALL | re.VERBOSE,
)
HEADER = re.compile(r"\s*(?P<brackets>\[\[?)(?P<keys>[^][]+)\]")
SETTING = re.compile(r"\s*(?P<keys>[^=\s][^=]*)=")


class Lines:
    """The line of each table and key of a valid TOML text; ``("rules", 0)`` is the first ``[[rules]]``."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Place, int] = {}
        self._tables: Counter[Place] = Counter()
        table: Place = ()
        depth = 0
        plain = STRING_OR_COMMENT.sub(lambda found: re.sub(r"[^\n]", "_", found[0]), text)
        for number, (line, shape) in enumerate(zip(text.split("\n"), plain.split("\n"), strict=True), 1):
            if depth == 0 and (header := HEADER.match(shape)):
                table = self._enter(_keys(line[slice(*header.span("keys"))]), header["brackets"], number)
                continue
            if depth == 0 and (setting := SETTING.match(shape)):
                self._note(table, _keys(line[slice(*setting.span("keys"))]), number)
            depth += sum(map(shape.count, "[{")) - sum(map(shape.count, "]}"))

    def find(self, place: Place) -> int | None:
        """Return the line of ``place``, or of the nearest table around it that has one."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place)

    def _enter(self, keys: Place, brackets: str, number: int) -> Place:
        if brackets == "[[":
            self._lines.setdefault(keys, number)
            self._tables[keys] += 1
            keys = (*keys, self._tables[keys] - 1)
        self._note((), keys, number)
        return keys

    def _note(self, table: Place, keys: Place, number: int) -> None:
        for end in range(1, len(keys) + 1):
            self._lines.setdefault(table + keys[:end], number)


def _keys(text: str) -> Place:
    """Split ``log."path"`` the way TOML does."""
    keys: list[str] = []
    node = tomllib.loads(f"{text} = 0")
    while isinstance(node, dict):
        (key,) = node
        keys.append(key)
        node = node[key]
    return tuple(keys)
