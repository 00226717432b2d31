"""Reads a bot's slash commands as Discord shows them: the command, its subcommands, and options as ``name:value``."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import cast

from bot.sandbox.chat.session import ChatSession, Names, unknown
from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Application, Channel

CHAT_INPUT, USER_MENU, MESSAGE_MENU = 1, 2, 3
STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(3, 12)
_YES, _NO = ("true", "yes", "on"), ("false", "no", "off")
_NESTED = (1, 2)
_QUOTED = re.compile(r'\s*"(?P<text>(?:[^"\\]|\\.)*)"(?=\s|$)')
_NAMED = re.compile(r"(?<!\S)(?P<name>[\w-]+):")
_CLOSE = 0.75


@dataclass(frozen=True, slots=True)
class RegisteredCommand:
    """A command that an application registered; ``definition`` is its JSON."""

    application: Application
    definition: Json

    @property
    def name(self) -> str:
        """Return its name."""
        return str(self.definition["name"])


def registered_commands(session: ChatSession, *kinds: int) -> list[RegisteredCommand]:
    """List the commands of these types that can be used here; a command of the server hides a global one."""
    guild = session.channel.guild
    found: dict[tuple[int, str, int], RegisteredCommand] = {}
    for application in session.services.world.applications.values():
        for scope in dict.fromkeys((None if guild is None else guild.id, None)):
            for command in application.commands.get(scope, {}).values():
                if command["type"] in kinds:
                    key = (application.id, command["name"], command["type"])
                    found.setdefault(key, RegisteredCommand(application, command))
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Reached:
    """A (sub)command that a text names: the words of its path, its options, and the rest of the text."""

    path: tuple[str, ...]
    options: Sequence[Json]
    rest: str

    @property
    def subcommands(self) -> list[Json]:
        """List the subcommands from which the text has not chosen yet."""
        return [option for option in self.options if option["type"] in _NESTED]


def follow(definition: Json, text: str) -> Reached:
    """Follow the subcommands that a text names, until it names none."""
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
    """The text typed for one option; ``name`` is "" for text before the first option's name."""

    name: str
    text: str
    quoted: bool


def scan(text: str, options: Sequence[Json]) -> list[TypedOption]:
    """Split a text into options; a value ends at the next option's name, or at its closing quotation mark."""
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
    """Split a text into the name it begins with and the rest; the name is quoted or one of ``names``."""
    quoted = _QUOTED.match(text)
    if quoted is not None:
        return quoted["text"], text[quoted.end() :].strip()
    for name in sorted(names, key=len, reverse=True):
        if f"{text} ".lower().startswith(f"{name} ".lower()):
            return name, text[len(name) :].strip()
    return text, ""


def read_options(reached: Reached, names: Names, channel: Channel) -> Json:
    """Return the value of each typed option by name; raise SandboxError for text that does not fit."""
    if reached.subcommands:
        raise _no_subcommand(reached)
    options = {option["name"]: option for option in reached.options}
    given = _placed(scan(reached.rest, reached.options), reached)
    values: Json = {}
    for each in given:
        if each.name in values:
            raise SandboxError(f"{each.name}: is given twice: keep one of them.")
        _refuse_near_miss(each, [name for name in options if name not in {item.name for item in given}])
        values[each.name] = value_of(options[each.name], each, names, channel)
    return values


def _placed(given: list[TypedOption], reached: Reached) -> list[TypedOption]:
    """Give text before the first name to the first required option, as Discord's client does."""
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
    """Refuse a value that contains a misspelt option: the option would silently become part of the value."""
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


def value_of(option: Json, typed: TypedOption, names: Names, channel: Channel) -> object:
    """Return the value that Discord's client would send for an option; raise SandboxError for text that is none."""
    name, kind, text = option["name"], option["type"], typed.text
    if not text:
        raise SandboxError(f"Write something behind {name}:")
    if text.startswith('"') and text.count('"') == 1 and not typed.quoted:
        raise SandboxError(f"Close the quotation marks of {name}:")
    if option.get("choices"):
        return _choice(option, text)
    if kind == STRING:
        return _string(option, typed, names, channel)
    if kind in (INTEGER, NUMBER):
        return _number(option, text, whole=kind == INTEGER)
    if kind == BOOLEAN:
        return _boolean(name, text)
    if kind == USER:
        return names.user_id(text)
    if kind == CHANNEL:
        return names.channel_id(text)
    if kind == ROLE or (kind == MENTIONABLE and text.removeprefix("@") in names.roles()):
        return names.role_id(text)
    if kind == MENTIONABLE:
        return names.user_id(text)
    raise SandboxError(f"{name}: takes a file, which can't be given here.")


def _choice(option: Json, text: str) -> object:
    for choice in option["choices"]:
        if text.lower() in (str(choice["name"]).lower(), str(choice["value"]).lower()):
            return cast("object", choice["value"])
    known = [str(choice["name"]) for choice in option["choices"]]
    raise unknown(f"{option['name']}: can't be {text!r}", text, known)


def _string(option: Json, typed: TypedOption, names: Names, channel: Channel) -> str:
    short = None if typed.quoted or not typed.text.startswith("^") else names.message_id(typed.text, channel)
    written = short or names.marked_up(typed.text)
    least, most = option.get("min_length", 0), option.get("max_length", 6000)
    if not least <= len(written) <= most:
        raise SandboxError(f"{option['name']}: takes {least} to {most} characters; that are {len(written)}.")
    return written


def _number(option: Json, text: str, *, whole: bool) -> float:
    name = option["name"]
    try:
        number = int(text) if whole else float(text)
    except ValueError:
        raise SandboxError(f"{name}: takes a {'whole ' if whole else ''}number, not {text!r}.") from None
    least, most = option.get("min_value", -math.inf), option.get("max_value", math.inf)
    if not math.isfinite(number) or not least <= number <= most:
        raise SandboxError(f"{name}: takes a number from {least} to {most}.")
    return number


def _boolean(name: str, text: str) -> bool:
    word = text.lower()
    if word not in _YES + _NO:
        raise SandboxError(f"{name}: is true or false.")
    return word in _YES
