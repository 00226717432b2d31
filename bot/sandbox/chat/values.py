"""What is typed for an option, as the value of the option's type that Discord's client would send."""

from __future__ import annotations

import math

from bot.sandbox.chat.mistakes import unknown
from bot.sandbox.chat.names import Names
from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Channel

STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(3, 12)
YES, NO = ("true", "yes", "on"), ("false", "no", "off")


def value_of(option: Json, text: str, names: Names, channel: Channel, *, quoted: bool) -> object:
    """Return the value of one option; raise SandboxError where the text is none."""
    name, kind = option["name"], option["type"]
    if not text:
        raise SandboxError(f"Write something behind {name}:")
    if text.startswith('"') and text.count('"') == 1 and not quoted:
        raise SandboxError(f"Close the quotation marks of {name}:")
    if option.get("choices"):
        return _choice(option, text)
    if kind == STRING:
        return _string(option, text, names, channel, quoted=quoted)
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
            value: object = choice["value"]
            return value
    known = [str(choice["name"]) for choice in option["choices"]]
    raise unknown(f"{option['name']}: can't be {text!r}", text, known)


def _string(option: Json, text: str, names: Names, channel: Channel, *, quoted: bool) -> str:
    short = None if quoted or not text.startswith("^") else names.message_id(text, channel)
    written = short or names.marked_up(text)
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
    if word not in YES + NO:
        raise SandboxError(f"{name}: is true or false.")
    return word in YES
