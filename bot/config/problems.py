"""One sentence for each wrong setting: its place, what it has to be, and what it is instead.

Numbers are quoted. Texts are not, because one may be a secret in the wrong place.
"""

from __future__ import annotations

import datetime as dt
import math
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from bot.config.lines import Place
from bot.config.model import TOKEN_VARIABLE, Config, RuleSettings
from bot.config.section import PRICE, Section
from bot.config.values import LARGEST

KINDS: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (str, "a string"),
    (list, "an array"),
    (dict, "a table"),
    (dt.date, "a date"),
    (dt.time, "a time of day"),
)
TOKENS = {"token", "bot_token", "discord_token"}
TABLES = ("responders", "consumers")
"""Tables whose keys are names of what others wrote."""
ASKED = "did you mean"
_A_NAME = "[key]"
"""Pydantic ends the place of a wrong key of a table with this."""

EVERYTHING = "config.example.toml lists every setting"


def sections() -> dict[str, type[Section]]:
    """Return the sections of the settings by name."""
    kinds = {name: field.annotation for name, field in Config.model_fields.items()}
    return {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Section)}


def settings() -> list[Place]:
    """Return the place of every setting that has a section, such as ``("log", "path")``."""
    return [(name, key) for name, section in sections().items() for key in section.model_fields]


def sentence(origin: str, said: str) -> str:
    """Return the sentence: the place, then the problem."""
    return f"{origin}: {said}{'?' if ASKED in said else '.'}"


def explain(error: ErrorDetails) -> str:
    """Return the sentence for one of pydantic's errors, without the place and without the full stop."""
    place, value = error["loc"], error["input"]
    name = ".".join(key for key in place if isinstance(key, str) and key != _A_NAME)
    match error["type"]:
        case "extra_forbidden":
            return unknown(place)
        case "missing" if place[0] == "llm":
            return f"{name} is missing, which has to be {_wanted(place)}"
        case "missing":
            return f"this rule has no {place[-1]}, which has to be {_wanted(place)}"
        case "model_type" | "tuple_type" if place[0] == "rules":
            return f"rules have to be written as [[rules]] tables, not as {_kind(value)}"
        case "model_type":
            return f"{name} has to be a section, written [{name}], not {_kind(value)}"
        case "value_error" if place[0] in TABLES and _A_NAME not in place:
            return f"{name} holds a number of more than 64 bits, which is too large"
        case "value_error" | "literal_error" | "string_too_short" if isinstance(value, str):
            return f"{name} has to be {_wanted(place)}, not {'this' if value else 'an empty'} string"
    return f"{name} has to be {_wanted(place)}, not {_kind(value)}"


def unknown(place: Place) -> str:
    """Return the sentence for a name that is not a setting, with the setting that was probably meant."""
    *parents, key = (part for part in place if isinstance(part, str))
    if key.lower() in TOKENS:
        return (
            f"the token does not belong among the settings: set {TOKEN_VARIABLE} in the environment, "
            "or name a file that holds it as discord.token_file"
        )
    section = ".".join(parents)
    said = f"[{section}] has no setting {key!r}" if section else f"there is no section or setting {key!r}"
    known = _model(parents).model_fields.keys() - {"line"}
    if meant := get_close_matches(key, known, n=1):
        return f"{said}: {ASKED} {meant[0]!r}"
    if homes := [name for name, fields in sections().items() if key in fields.model_fields]:
        return f"{said}: it belongs in [{homes[0]}]"
    return f"{said}: {EVERYTHING}"


def _model(parents: list[str]) -> type[BaseModel]:
    """Return the section of a place; ``parents`` are the names of the tables that it is in, one within the other."""
    if not parents:
        return Config
    found: type[BaseModel] = RuleSettings if parents[0] == "rules" else sections()[parents[0]]
    for name in parents[1:]:
        found = _section(found.model_fields[name].annotation) if name in found.model_fields else found
    return found


def _section(annotation: object) -> type[BaseModel]:
    """Return the section that a setting is, or of which it is a list."""
    kinds = (annotation, *get_args(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)), Section)


def _wanted(place: Place) -> str:
    names = [key for key in place if isinstance(key, str) and key != _A_NAME]
    if names[0] in TABLES:
        return Config.model_fields[names[0]].description or ""
    if names[:2] == ["llm", "prices"] and names[-1] in ("in", "out"):
        return PRICE
    within = len(names) > 2 and names[0] == "llm" and names[1] in ("tools", "mcp")  # noqa: PLR2004 - a setting of these
    *parents, name = names[:3] if within else names[:2]
    return _model(parents).model_fields[name].description or ""


def _kind(value: object) -> str:
    said = next((said for kind, said in KINDS if isinstance(value, kind)), None)
    if said is None and isinstance(value, int | float) and LARGEST < abs(value) < math.inf:
        # Python writes no number of some thousand digits.
        return "a number that is too large"
    return said or str(value)
