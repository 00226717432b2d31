"""Reads settings from environment variables: ``ECHOLESS_<SECTION>__<KEY>``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import get_args, get_origin

from bot.config.lines import Place
from bot.config.problems import ASKED, EVERYTHING, sections, sentence, settings, unknown

PREFIX = "ECHOLESS_"
YES = {"true", "yes", "on", "1"}
NO = {"false", "no", "off", "0"}
MAX_DIGITS = 18


def from_environment(environ: Mapping[str, str], problems: list[str]) -> Iterator[tuple[Place, object, str]]:
    """Yield the place, the value and the variable of each setting in the environment.

    Adds a sentence to ``problems`` for each variable that looks like a setting and is none. A text that can't be read
    as its setting's type is yielded unchanged, and the check refuses it.
    """
    known = {f"{PREFIX}{'__'.join(map(str, place))}".upper(): place for place in settings()}
    joined = {name.replace("__", "_"): name for name in known}
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX):
            continue
        if place := known.get(name):
            if text or _is_list(place):
                yield place, _parse(place, text), name
        elif "__" in name or name in joined:
            problems.append(sentence(name, _unknown_variable(name, joined, known)))


def _unknown_variable(name: str, joined: Mapping[str, str], known: Mapping[str, Place]) -> str:
    section, _, key = name.removeprefix(PREFIX).lower().partition("__")
    if (section, key) == ("discord", "token"):
        return unknown((section, key))
    meant = [joined[name]] if name in joined else get_close_matches(name, known, n=1)
    return f"there is no such setting: {ASKED} {meant[0]}" if meant else f"there is no such setting: {EVERYTHING}"


def _annotation(place: Place) -> object:
    section, key = map(str, place)
    return sections()[section].model_fields[key].annotation


def _is_list(place: Place) -> bool:
    return get_origin(_annotation(place)) is tuple


def _parse(place: Place, text: str) -> object:
    """Read a variable as its setting's type if possible, otherwise return its text."""
    text = text.strip()
    if _is_list(place):
        return _parse_list(text)
    annotation = _annotation(place)
    if annotation is bool and text.lower() in YES | NO:
        return text.lower() in YES
    if get_origin(annotation) is Mapping:
        return _parse_json(text) if text.startswith("{") else text
    if _takes_int(annotation) and text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS:
        return int(text)
    return text


def _takes_int(annotation: object) -> bool:
    """Tell whether a setting can be a whole number."""
    return annotation is int or any(_takes_int(each) for each in get_args(annotation))


def _parse_list(text: str) -> object:
    if text.startswith("["):
        return _parse_json(text)
    return [part for part in map(str.strip, text.split(",")) if part]


def _parse_json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
