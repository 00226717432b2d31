"""The options of a slash command: converts names and plain values to the form of INTERACTION_CREATE."""

from __future__ import annotations

from typing import Any

from bot.sandbox.control.call import ControlCall
from bot.sandbox.errors import ControlError
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Channel
from bot.sandbox.payloads import channel_payload, member_payload, role_payload, user_payload
from bot.sandbox.permissions import effective

CHAT_INPUT = 1
USER_MENU = 2
_SUBCOMMAND, _GROUP = 1, 2
_STRING, _INTEGER, _BOOLEAN, _USER, _CHANNEL, _ROLE, _MENTIONABLE, _NUMBER = range(3, 11)
_OF_SELECTS = {5: _USER, 6: _ROLE, 7: _MENTIONABLE, 8: _CHANNEL}


def split_command(command: Json, text: str) -> list[str] | None:
    """Return the words of the subcommand if a text names this command, else None."""
    words = text.removeprefix("/").split()
    if text == command["name"]:
        return []
    if command["type"] == CHAT_INPUT and words and words[0] == command["name"]:
        return words[1:]
    return None


class CommandOptions:
    """Builds the options of one use of a command; ``resolved`` collects the users, channels and roles in them."""

    def __init__(self, call: ControlCall, channel: Channel, focused: str | None) -> None:
        """Take the channel, and the name of the option that is still being typed (None: the command is sent)."""
        self._call = call
        self._channel = channel
        self._focused = focused
        self.resolved: Json = {}

    def build(self, definition: Json, path: list[str], values: Json) -> list[Json]:
        """Follow the path of subcommands, then fill in the options; raise ControlError for values that do not fit."""
        options = definition.get("options", [])
        nested = [option for option in options if option["type"] in (_SUBCOMMAND, _GROUP)]
        if nested:
            if not path:
                raise ControlError(f"Say which subcommand: {', '.join(option['name'] for option in nested)}.")
            chosen = next((option for option in nested if option["name"] == path[0]), None)
            if chosen is None:
                names = ", ".join(option["name"] for option in nested)
                raise ControlError(f"There is no subcommand {path[0]!r}; there are: {names}.", status=404)
            return [{"name": chosen["name"], "type": chosen["type"], "options": self.build(chosen, path[1:], values)}]
        if path:
            raise ControlError(f"{definition['name']!r} has no subcommands.")
        unknown = sorted(set(values) - {option["name"] for option in options})
        if unknown:
            names = ", ".join(option["name"] for option in options) or "none"
            raise ControlError(f"{definition['name']!r} has no option {unknown[0]!r}; it has: {names}.")
        return [self._fill(option, values) for option in options if self._given(option, values)]

    def chosen(self, component: int, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Return a value chosen from a select of this component type, as Discord sends it."""
        kind = _OF_SELECTS.get(component)
        return value if kind is None else self._value("values", kind, value)

    def _given(self, option: Json, values: Json) -> bool:
        if option["name"] in values:
            return True
        if option.get("required") and self._focused is None:
            raise ControlError(f"The option {option['name']!r} is required.")
        return False

    def _fill(self, option: Json, values: Json) -> Json:
        name, kind = option["name"], option["type"]
        filled: Json = {"name": name, "type": kind}
        if name == self._focused:
            return {**filled, "value": values[name], "focused": True}
        filled["value"] = self._value(name, kind, values[name])
        choices = [choice.get("value") for choice in option.get("choices", [])]
        if choices and filled["value"] not in choices:
            raise ControlError(f"{name} must be one of {', '.join(map(str, choices))}.")
        return filled

    def _value(self, name: str, kind: int, value: Any) -> Any:  # noqa: ANN401 - JSON
        if kind == _USER or (kind == _MENTIONABLE and not self._is_role(value)):
            return self._user(value)
        if kind == _CHANNEL:
            return self._channel_value(value)
        if kind in (_ROLE, _MENTIONABLE):
            return self._role(value)
        fitting = {
            _STRING: isinstance(value, str),
            _INTEGER: isinstance(value, int) and not isinstance(value, bool),
            _BOOLEAN: isinstance(value, bool),
            _NUMBER: isinstance(value, int | float) and not isinstance(value, bool),
        }
        if not fitting.get(kind, False):
            raise ControlError(f"The value of {name} does not fit its type ({kind}).")
        return value

    def _user(self, value: Any) -> str:  # noqa: ANN401 - JSON
        user = self._call.part({"user": value}).user()
        self.resolved.setdefault("users", {})[str(user.id)] = user_payload(user)
        guild = self._channel.guild
        if guild is not None:
            member = guild.members.get(user.id) or self._call.world.add_member(guild, user)
            payload = member_payload(member, with_user=False)
            bits = str(effective(self._channel, user.id))
            self.resolved.setdefault("members", {})[str(user.id)] = {**payload, "permissions": bits}
        return str(user.id)

    def _channel_value(self, value: Any) -> str:  # noqa: ANN401 - JSON
        channel = self._call.part({"channel": value}).channel()
        payload = channel_payload(channel) | {"permissions": "0"}
        self.resolved.setdefault("channels", {})[str(channel.id)] = payload
        return str(channel.id)

    def _is_role(self, value: Any) -> bool:  # noqa: ANN401 - JSON
        guild = self._channel.guild
        return guild is not None and any(value in (role.name, str(role.id)) for role in guild.roles.values())

    def _role(self, value: Any) -> str:  # noqa: ANN401 - JSON
        guild = self._channel.guild
        roles = [] if guild is None else [role for role in guild.roles.values() if value in (role.name, str(role.id))]
        if not roles:
            raise ControlError(f"There is no role {value!r}.", status=404)
        self.resolved.setdefault("roles", {})[str(roles[0].id)] = role_payload(roles[0])
        return str(roles[0].id)
