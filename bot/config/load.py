"""Puts the settings together. Flags go before the environment, that before the file, and that before the defaults."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.config.environment import from_environment
from bot.config.lines import Lines, Place
from bot.config.model import Config
from bot.config.problems import explain, sentence, settings, unknown
from bot.config.section import Section
from bot.errors import ConfigError

DEFAULT_FILE = Path("config.toml")
FLAGS = "the command line"
PLACE_IN_TOML = re.compile(
    r"(?P<what>.*) \(at (?:line (?P<line>[0-9]+), column (?P<column>[0-9]+)|end of document)\)", re.DOTALL
)
NO_RULE = MappingProxyType({"match": "(?!)", "reply": "-"})
"""Replaces a rule that is wrong; it never answers."""

S = TypeVar("S", bound=Section)


@dataclass(slots=True)
class _File:
    """The settings file: its values and their lines. Empty without a file."""

    path: Path | None = None
    data: dict[str, object] = field(default_factory=dict)
    lines: Lines = field(default_factory=lambda: Lines(""))

    def locate(self, place: Place) -> str:
        """Return the file's name and the line of ``place``."""
        line = self.lines.find(place)
        return f"{self.path}, line {line}" if line else f"{self.path}"


@dataclass(frozen=True, slots=True)
class Survey:
    """The settings, with the default in place of each wrong one.

    ``problems`` holds a sentence for each problem; ``wrong`` holds the sections and settings that have one.
    """

    config: Config
    problems: tuple[str, ...] = ()
    wrong: frozenset[Place] = frozenset()


def load(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object] = MappingProxyType({})
) -> Config:
    """Return the checked settings; raise :class:`ConfigError`, which names all problems and their places.

    ``path`` None means ``config.toml`` in the working directory, if there is one. ``overrides`` are flags by dotted
    name (``"log.path"``, or ``"rules"``); None is a flag that was not given. A relative path from the file, or from a
    default, counts from the file's folder; any other counts from the working directory.
    """
    found = survey(path, environ, overrides)
    if found.problems:
        raise ConfigError(*found.problems)
    return found.config


def survey(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object] = MappingProxyType({})
) -> Survey:
    """Return the settings as :func:`load` does, with their problems instead of an error."""
    problems: list[str] = []
    try:
        file = _read(path or (DEFAULT_FILE if DEFAULT_FILE.exists() else None))
    except ConfigError as error:
        problems += error.problems
        file = _File(path)
    inside = list(_numbered_rules(file))
    outside: list[str] = []
    origins: dict[Place, str] = {}
    for place, value, origin in (*from_environment(environ, outside), *_from_flags(overrides)):
        _put(file.data, place, value)
        origins[place] = origin
    config, errors = _validated(file.data)
    for each in errors:
        place = each["loc"]
        origin = next((origins[around] for around in _around(place) if around in origins), "")
        if origin:
            outside.append(sentence(origin, explain(each)))
        else:
            inside.append((place, sentence(file.locate(place), explain(each))))
    inside.sort(key=lambda found: file.lines.find(found[0]) or 0)
    anchored = _anchored(config, file.path.parent if file.path else Path(), origins)
    wrong = frozenset(each["loc"][:2] for each in errors)
    return Survey(anchored, (*problems, *(said for _, said in inside), *outside), wrong)


def _validated(data: dict[str, object]) -> tuple[Config, list[ErrorDetails]]:
    """Return the valid settings and the errors of the others, which are removed from ``data``."""
    try:
        return Config.model_validate(data), []
    except ValidationError as exc:
        errors = exc.errors(include_url=False, include_context=False)
    for error in errors:
        _take_out(data, error["loc"])
    try:
        return Config.model_validate(data), errors
    except ValidationError:
        return Config(), errors


def _take_out(data: dict[str, object], place: Place) -> None:
    """Remove a wrong setting. A wrong rule is replaced, so that the rules after it keep their numbers."""
    top, *inner = place
    table = data.get(str(top))
    if isinstance(table, list) and inner and isinstance(inner[0], int):
        table[inner[0]] = dict(NO_RULE)
    elif isinstance(table, dict) and inner:
        table.pop(str(inner[0]), None)
    else:
        data.pop(str(top), None)


def _read(path: Path | None) -> _File:
    if path is None:
        return _File()
    text = _text(path)
    try:
        return _File(path, tomllib.loads(text), Lines(text))
    except (ValueError, RecursionError) as exc:
        raise ConfigError(_no_toml(path, text, str(exc))) from exc


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as exc:
        raise ConfigError(
            f"There is no settings file {path}: name one with --config, or let `echoless init` write one."
        ) from exc
    except OSError as exc:
        raise ConfigError(
            f"The settings file {path} can't be read ({exc.strerror}): name another with --config."
        ) from exc
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1
        raise ConfigError(f"{path}, line {line}: the settings file has to be UTF-8 text: save it as such.") from exc


def _no_toml(path: Path, text: str, said: str) -> str:
    """Return the sentence for a file that the parser refuses; the parser's own message ``said`` ends with the place."""
    found = PLACE_IN_TOML.fullmatch(said)
    where, what = "", said
    if found and found["line"]:
        where, what = f", line {found['line']}, column {found['column']}", found["what"]
    elif found:
        where, what = f", line {len(text.splitlines())}, at the end of the file", found["what"]
    return f"{path}{where}: this is not valid TOML and has to be corrected first: {what}."


def _numbered_rules(file: _File) -> Iterator[tuple[Place, str]]:
    """Add the line to each rule; yield the place of each rule that sets ``line`` itself, with a sentence."""
    rules = file.data.get("rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        if not isinstance(rule, dict):
            continue
        if "line" in rule:
            place = ("rules", index, "line")
            yield place, sentence(file.locate(place), unknown(place))
        rule["line"] = file.lines.find(("rules", index))


def _from_flags(overrides: Mapping[str, object]) -> Iterator[tuple[Place, object, str]]:
    for name, value in overrides.items():
        place = tuple(name.split("."))
        if place not in {*settings(), ("rules",)}:
            raise ConfigError(sentence(FLAGS, unknown(place)))
        if value is not None:
            yield place, value, FLAGS


def _put(data: dict[str, object], place: Place, value: object) -> None:
    """Set ``place`` in ``data``. A section that is not a table is left alone; the check refuses it."""
    *parents, key = map(str, place)
    table: object = data
    for parent in parents:
        table = table.setdefault(parent, {}) if isinstance(table, dict) else None
    if isinstance(table, dict):
        table[key] = value


def _around(place: Place) -> Iterator[Place]:
    return (place[:end] for end in range(len(place), 0, -1))


def _anchored(config: Config, folder: Path, outside: Mapping[Place, str]) -> Config:
    """Make paths absolute: from the working directory if set ``outside`` the file, otherwise from ``folder``."""
    here, folder = Path.cwd(), folder.absolute()
    anchored = {
        name: _move(section, {key: here if (name, key) in outside else folder for key in type(section).model_fields})
        for name, section in config
        if isinstance(section, Section)
    }
    base = here if ("rules",) in outside else folder
    rules = tuple(_move(rule, {"facts": base}) for rule in config.rules)
    return config.model_copy(update={**anchored, "rules": rules}).kept_in(folder)


def _move(section: S, bases: Mapping[str, Path]) -> S:
    paths = {key: bases[key] / value for key, value in section if isinstance(value, Path)}
    return section.model_copy(update=paths)
