"""Puts the settings together: flags over the environment over the file over the defaults."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import ValidationError

from bot.config.environment import from_environment
from bot.config.lines import Lines, Place
from bot.config.model import Config
from bot.config.problems import explain, sentence, settings, unknown
from bot.config.section import Section
from bot.errors import ConfigError

DEFAULT_FILE = Path("config.toml")
FLAGS = "the command line"

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


def load(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object] = MappingProxyType({})
) -> Config:
    """Return every setting, checked; raise :class:`ConfigError` naming the first that is wrong, and where.

    ``path`` None means ``config.toml`` in the working directory, if there is one. ``overrides`` are flags by
    dotted name (``"log.path"``, or ``"rules"``); None is a flag that wasn't given. Relative paths count from
    the file's folder when they come from the file or are defaults, else from the working directory.
    """
    file = _read(path or (DEFAULT_FILE if DEFAULT_FILE.exists() else None))
    origins: dict[Place, str] = {}
    for place, value, origin in (*from_environment(environ), *_from_flags(overrides)):
        _put(file.data, place, value)
        origins[place] = origin
    try:
        config = Config.model_validate(file.data)
    except ValidationError as exc:
        found = exc.errors(include_url=False, include_context=False)
        first = min(found, key=lambda error: file.lines.find(error["loc"]) or 0)
        outside = (origins[place] for place in _around(first["loc"]) if place in origins)
        raise ConfigError(sentence(next(outside, file.locate(first["loc"])), explain(first))) from exc
    return _anchored(config, file.path.parent if file.path else Path(), origins)


def _read(path: Path | None) -> _File:
    if path is None:
        return _File()
    try:
        text = path.read_bytes().decode("utf-8-sig")
        data = tomllib.loads(text)
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
    except (ValueError, RecursionError) as exc:
        raise ConfigError(f"{path} is not valid TOML and has to be corrected first: {exc}.") from exc
    lines = Lines(text)
    _number_rules(path, data, lines)
    return _File(path, data, lines)


def _number_rules(path: Path, data: dict[str, object], lines: Lines) -> None:
    rules = data.get("rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        if not isinstance(rule, dict):
            continue
        if "line" in rule:
            place = ("rules", index, "line")
            raise ConfigError(sentence(f"{path}, line {lines.find(place)}", unknown(place)))
        rule["line"] = lines.find(("rules", index))


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
    return config.model_copy(update={**anchored, "rules": rules})


def _move(section: S, bases: Mapping[str, Path]) -> S:
    paths = {key: bases[key] / value for key, value in section if isinstance(value, Path)}
    return section.model_copy(update=paths)
