"""Puts the settings together: flags over the environment over the file over the defaults."""

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
"""Stands for a rule that is wrong, and never answers."""

S = TypeVar("S", bound=Section)


@dataclass(slots=True)
class _File:
    """The settings file: what it says and where it says so. Without a file, it says nothing."""

    path: Path | None = None
    data: dict[str, object] = field(default_factory=dict)
    lines: Lines = field(default_factory=lambda: Lines(""))

    def locate(self, place: Place) -> str:
        """Return the file's name and the line of ``place``."""
        line = self.lines.find(place)
        return f"{self.path}, line {line}" if line else f"{self.path}"


@dataclass(frozen=True, slots=True)
class Survey:
    """The settings as far as they are valid, defaults elsewhere.

    ``problems``: a sentence for each thing that is wrong; ``wrong``: the sections and settings among them.
    """

    config: Config
    problems: tuple[str, ...] = ()
    wrong: frozenset[Place] = frozenset()


def load(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object] = MappingProxyType({})
) -> Config:
    """Return every setting, checked; raise :class:`ConfigError` naming all that are wrong, and where.

    ``path`` None means ``config.toml`` in the working directory, if there is one. ``overrides`` are flags by
    dotted name (``"log.path"``, or ``"rules"``); None is a flag that wasn't given. Relative paths count from
    the file's folder when they come from the file or are defaults, else from the working directory.
    """
    found = survey(path, environ, overrides)
    if found.problems:
        raise ConfigError(*found.problems)
    return found.config


def survey(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object] = MappingProxyType({})
) -> Survey:
    """Return the settings as :func:`load` does, and what is wrong with them instead of an error."""
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
    """Return the settings that are valid, and what is wrong with the others, which are taken out of ``data``."""
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
    """Remove a wrong setting; a rule keeps its place, so that those after it keep their numbers."""
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
    """Return the sentence for a file that the parser refuses, whose own ends with the place."""
    found = PLACE_IN_TOML.fullmatch(said)
    where, what = "", said
    if found and found["line"]:
        where, what = f", line {found['line']}, column {found['column']}", found["what"]
    elif found:
        where, what = f", line {len(text.splitlines())}, at the end of the file", found["what"]
    return f"{path}{where}: this is not valid TOML and has to be corrected first: {what}."


def _numbered_rules(file: _File) -> Iterator[tuple[Place, str]]:
    """Note with each rule where it stands; yield the place and a sentence for one that says so itself."""
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
    """Set ``place`` in ``data``; a section that is no table is left for the check to refuse."""
    *parents, key = map(str, place)
    table: object = data
    for parent in parents:
        table = table.setdefault(parent, {}) if isinstance(table, dict) else None
    if isinstance(table, dict):
        table[key] = value


def _around(place: Place) -> Iterator[Place]:
    return (place[:end] for end in range(len(place), 0, -1))


def _anchored(config: Config, folder: Path, outside: Mapping[Place, str]) -> Config:
    """Make paths absolute: from ``folder``, or from the working directory if set ``outside`` the file."""
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
