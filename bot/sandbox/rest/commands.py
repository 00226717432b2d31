"""Application commands, global and of one guild; a bulk PUT overwrites all (application-commands.mdx)."""

from __future__ import annotations

import re
from typing import Annotated, Any, LiteralString

from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from bot.sandbox.errors import ApiError, invalid_form
from bot.sandbox.json_codec import Json
from bot.sandbox.rest.bodies import JsonForm, checked, length_between, one_of
from bot.sandbox.rest.router import Created, RestCall, Route

CHAT_INPUT = 1
MAX_COMMANDS = {CHAT_INPUT: 100, 2: 15, 3: 15}
_NAME = re.compile(r"[-_'\w]{1,32}")
_MENU_NAME = re.compile(r"[^\x00-\x1f]{1,32}")
_INVALID_NAME: tuple[LiteralString, LiteralString] = ("APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
_NESTING = (1, 2)
_KEPT = ("nsfw", "contexts", "integration_types", "name_localizations", "description_localizations", "dm_permission")
_OPTION_KEPT = (
    *("required", "choices", "channel_types", "autocomplete"),
    *("min_value", "max_value", "min_length", "max_length"),
)


def _name(value: object) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value) and value == value.lower():
        return value
    raise PydanticCustomError(*_INVALID_NAME)


def _permissions(value: object) -> str:
    text = str(value)
    if isinstance(value, str | int) and text.isascii() and text.isdecimal() and len(text) <= 20:  # noqa: PLR2004
        return text
    raise PydanticCustomError("NUMBER_TYPE_COERCE", "Value is not int.")


_Name = Annotated[str, PlainValidator(_name)]
_Description = Annotated[str, length_between(1, 100)]


class OptionForm(JsonForm):
    """An option of a command."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[int, one_of(range(1, 12), "between 1 and 11")]
    name: _Name = Field("", validate_default=True)
    description: _Description = Field("", validate_default=True)
    choices: list[Any] = Field([], max_length=25)
    options: list[OptionForm] = Field([], max_length=25)

    def payload(self) -> Json:
        """Return the option as Discord gives it back."""
        option: Json = {"type": self.type, "name": self.name, "description": self.description}
        given = self.model_dump(exclude={"options"} if self.choices else {"options", "choices"})
        option |= {key: given[key] for key in _OPTION_KEPT if key in given}
        if self.type in _NESTING:
            option["options"] = [each.payload() for each in self.options]
        return option


def _command_name(value: object, info: ValidationInfo) -> str:
    if _is_chat(info):
        return _name(value)
    if isinstance(value, str) and _MENU_NAME.fullmatch(value):
        return value
    raise PydanticCustomError(*_INVALID_NAME)


def _command_description(value: object, info: ValidationInfo) -> object:
    return value if _is_chat(info) else "-"


def _command_options(value: object, info: ValidationInfo) -> object:
    return value if _is_chat(info) else []


def _is_chat(info: ValidationInfo) -> bool:
    return bool(info.data.get("type", CHAT_INPUT) == CHAT_INPUT)


class CommandForm(JsonForm):
    """A command; only a chat input command has a description and options."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[int, one_of(MAX_COMMANDS, f"one of {tuple(MAX_COMMANDS)}")] = CHAT_INPUT
    name: Annotated[str, PlainValidator(_command_name)] = Field("", validate_default=True)
    description: Annotated[_Description, BeforeValidator(_command_description)] = Field("", validate_default=True)
    default_member_permissions: Annotated[str | None, PlainValidator(_permissions)] = None
    options: Annotated[list[OptionForm], BeforeValidator(_command_options), Field(max_length=25)] = Field([])

    @property
    def key(self) -> tuple[int, str]:
        """Type and name, which are unique in a scope."""
        return self.type, self.name

    def payload(self) -> Json:
        """Return the command as Discord gives it back."""
        chat, given = self.type == CHAT_INPUT, self.model_dump(exclude={"options"})
        command: Json = {"type": self.type, "name": self.name, "description": self.description if chat else ""}
        command["default_member_permissions"] = self.default_member_permissions
        command |= {key: given[key] for key in _KEPT if key in given}
        return command | ({"options": [each.payload() for each in self.options]} if chat else {})


def routes() -> list[Route]:
    """List the routes of both scopes."""
    found = []
    for base in (
        "/applications/{application_id}/commands",
        "/applications/{application_id}/guilds/{guild_id}/commands",
    ):
        one = f"{base}/{{command_id}}"
        found += [
            Route("GET", base, list_all, "commands.list"),
            Route("PUT", base, overwrite, "commands.overwrite"),
            Route("POST", base, create, "commands.create"),
            Route("GET", one, get, "commands.get"),
            Route("PATCH", one, edit, "commands.edit"),
            Route("DELETE", one, delete, "commands.delete"),
        ]
    return found


def _scope(call: RestCall) -> int | None:
    """Check that the application is the caller's; return the guild's id, or None for global commands."""
    if call.snowflake("application_id") != call.application.id:
        raise ApiError(403, 20012, "You are not authorized to perform this action on this application")
    return call.guild().id if "guild_id" in call.request.match_info else None


def _commands(call: RestCall) -> dict[int, Json]:
    return call.application.commands.setdefault(_scope(call), {})


def _existing(call: RestCall) -> Json:
    command = _commands(call).get(call.snowflake("command_id"))
    if command is None:
        raise ApiError(404, 10063, "Unknown application command")
    return command


async def list_all(call: RestCall) -> list[Json]:
    """List the commands of a scope."""
    return list(_commands(call).values())


async def get(call: RestCall) -> Json:
    """Describe a command."""
    return _existing(call)


async def overwrite(call: RestCall) -> list[Json]:
    """Replace all commands of a scope; one with the same name and type keeps its id."""
    present = _commands(call)
    forms = checked(list[CommandForm], (await call.body()).sequence)
    keys = [form.key for form in forms]
    doubled = [index for index, key in enumerate(keys) if key in keys[:index]]
    if doubled:
        message = "Application command names must be unique"
        raise invalid_form((str(index), "APPLICATION_COMMANDS_DUPLICATE_NAME", message) for index in doubled)
    for kind, limit in MAX_COMMANDS.items():
        if sum(form.type == kind for form in forms) > limit:
            raise _too_many(limit)
    ids = {(item["type"], item["name"]): int(item["id"]) for item in present.values()}
    present.clear()
    for form in forms:
        _store(call, form, ids.get(form.key))
    return list(present.values())


async def create(call: RestCall) -> Created | Json:
    """Create a command, or replace the one with the same name and type."""
    present = _commands(call)
    form = checked(CommandForm, (await call.body()).mapping)
    same = [item for item in present.values() if (item["type"], item["name"]) == form.key]
    if same:
        return _store(call, form, int(same[0]["id"]))
    if sum(item["type"] == form.type for item in present.values()) >= MAX_COMMANDS[form.type]:
        raise _too_many(MAX_COMMANDS[form.type])
    return Created(_store(call, form, None))


async def edit(call: RestCall) -> Json:
    """Change a command."""
    command = _existing(call)
    form = checked(CommandForm, {**command, **(await call.body()).mapping})
    return _store(call, form, int(command["id"]))


async def delete(call: RestCall) -> None:
    """Delete a command."""
    del _commands(call)[int(_existing(call)["id"])]


def _too_many(limit: int) -> ApiError:
    return ApiError(400, 30032, f"Maximum number of application commands reached ({limit}).")


def _store(call: RestCall, form: CommandForm, command_id: int | None) -> Json:
    snowflake = command_id or call.world.snowflakes.next()
    scope = _scope(call)
    command: Json = {
        "id": str(snowflake),
        "application_id": str(call.application.id),
        "version": str(call.world.snowflakes.next()),
        **form.payload(),
    }
    if scope is not None:
        command["guild_id"] = str(scope)
    call.application.commands.setdefault(scope, {})[snowflake] = command
    return command
