"""Slash commands as Discord shows them: which one is typed, and its options as ``name:value``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from bot.sandbox.chat.mistakes import unknown
from bot.sandbox.chat.names import Names
from bot.sandbox.chat.values import value_of
from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Application, Channel
from bot.sandbox.world import World

CHAT_INPUT, USER_MENU, MESSAGE_MENU = 1, 2, 3
_NESTED = (1, 2)
_QUOTED = re.compile(r'\s*"(?P<text>(?:[^"\\]|\\.)*)"(?=\s|$)')
_NAMED = re.compile(r"(?<!\S)(?P<name>[\w-]+):")
_CLOSE = 0.75


@dataclass(frozen=True, slots=True)
class Registered:
    """A command that an application registered."""

    application: Application
    definition: Json

    @property
    def name(self) -> str:
        """Return its name."""
        name: str = self.definition["name"]
        return name


def registered(world: World, channel: Channel, kinds: Iterable[int]) -> list[Registered]:
    """List the commands and menus of these kinds that can be used in a channel; the server's own ones go first."""
    guild_id = None if channel.guild is None else channel.guild.id
    found: dict[tuple[int, str, int], Registered] = {}
    for application in world.applications.values():
        for scope in dict.fromkeys((guild_id, None)):
            for command in application.commands.get(scope, {}).values():
                if command["type"] in kinds:
                    key = (application.id, command["name"], command["type"])
                    found.setdefault(key, Registered(application, command))
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a text follows the subcommands: their names, the options from there, and the rest of the text."""

    path: tuple[str, ...]
    options: Sequence[Json]
    rest: str

    @property
    def subcommands(self) -> list[Json]:
        """List the subcommands from which one is still to be chosen."""
        return [option for option in self.options if option["type"] in _NESTED]


def follow(definition: Json, text: str) -> Reached:
    """Follow the subcommands that a text names, as far as it does."""
    path, options = [definition["name"]], definition.get("options", [])
    reached = Reached(tuple(path), options, text.strip())
    while reached.subcommands:
        word, _, rest = reached.rest.partition(" ")
        chosen = next((option for option in reached.subcommands if option["name"] == word.lower()), None)
        if chosen is None:
            break
        path.append(chosen["name"])
        reached = Reached(tuple(path), chosen.get("options", []), rest.strip())
    return reached


@dataclass(frozen=True, slots=True)
class TypedOption:
    """What was typed for one option; ``name`` "" is what stands before the first name."""

    name: str
    text: str
    quoted: bool


def scan(text: str, options: Sequence[Json]) -> list[TypedOption]:
    """Take options apart: a value runs until the next name of an option, unless it is in quotation marks."""
    names = "|".join(re.escape(option["name"]) for option in options)
    pattern = re.compile(rf"(?<!\S)(?P<name>{names}):" if names else r"(?!)", re.IGNORECASE)
    found: list[TypedOption] = []
    name, at = "", 0
    while True:
        quoted = _QUOTED.match(text, at)
        following = pattern.search(text, quoted.end() if quoted else at)
        stop = following.start() if following else len(text)
        whole = quoted is not None and not text[quoted.end() : stop].strip()
        value = re.sub(r"\\(.)", r"\1", quoted["text"]) if quoted is not None and whole else text[at:stop].strip()
        found.append(TypedOption(name, value, whole))
        if following is None:
            return found
        name, at = following["name"].lower(), following.end()


def quoted_name(text: str, names: Sequence[str]) -> tuple[str, str]:
    """Return the name that a text begins with, in quotation marks or one of ``names`` without, and what follows."""
    quoted = _QUOTED.match(text)
    if quoted is not None:
        return quoted["text"], text[quoted.end() :].strip()
    for name in sorted(names, key=len, reverse=True):
        if f"{text} ".lower().startswith(f"{name} ".lower()):
            return name, text[len(name) :].strip()
    return text, ""


def read_options(reached: Reached, names: Names, channel: Channel) -> Json:
    """Return the values of the options that were typed; raise SandboxError for what does not fit."""
    if reached.subcommands:
        raise _no_subcommand(reached)
    options = {option["name"]: option for option in reached.options}
    given = _placed(scan(reached.rest, reached.options), reached)
    values: Json = {}
    for each in given:
        if each.name in values:
            raise SandboxError(f"{each.name}: is given twice: keep one of them.")
        _refuse_near_miss(each, [name for name in options if name not in {item.name for item in given}])
        values[each.name] = value_of(options[each.name], each.text, names, channel, quoted=each.quoted)
    return values


def _placed(given: list[TypedOption], reached: Reached) -> list[TypedOption]:
    """Give what stands before the first name to the first required option, as Discord's client does."""
    first, *others = given
    if not first.text and not first.quoted:
        return others
    taken = {each.name for each in others}
    free = [option["name"] for option in reached.options if option.get("required") and option["name"] not in taken]
    wrong = _NAMED.match(first.text)
    if free and (wrong is None or first.quoted or not _close(wrong["name"], reached)):
        return [TypedOption(free[0], first.text, first.quoted), *others]
    command, known = f"/{' '.join(reached.path)}", [f"{option['name']}:" for option in reached.options]
    name = wrong["name"] if wrong is not None else first.text
    raise unknown(f"{command} has no option {name!r}", f"{name}:", known)


def _close(name: str, reached: Reached) -> list[str]:
    return get_close_matches(name.lower(), [option["name"] for option in reached.options], n=1, cutoff=_CLOSE)


def _refuse_near_miss(given: TypedOption, free: list[str]) -> None:
    """Refuse a value with something in it that is nearly the name of another option: it would be lost in there."""
    for found in () if given.quoted else _NAMED.finditer(given.text):
        close = get_close_matches(found["name"].lower(), free, n=1, cutoff=_CLOSE)
        if close:
            raise SandboxError(
                f"There is no option {found['name']!r}: did you mean {close[0]}:? "
                "If it belongs to the text, put that in quotation marks."
            )


def _no_subcommand(reached: Reached) -> SandboxError:
    word, command = reached.rest.partition(" ")[0], f"/{' '.join(reached.path)}"
    known = [option["name"] for option in reached.subcommands]
    if not word:
        return SandboxError(f"Say which: {command} {', '.join(known)}.")
    return unknown(f"There is no {command} {word}", word, known)
