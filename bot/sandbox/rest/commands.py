"""Application commands, global and of one guild; a bulk PUT overwrites all (application-commands.mdx)."""

from __future__ import annotations

import re
from typing import Any

from bot.sandbox.errors import ApiError, FormErrors
from bot.sandbox.json_codec import Json
from bot.sandbox.rest.router import Created, RestCall, Route

CHAT_INPUT = 1
MAX_COMMANDS = {CHAT_INPUT: 100, 2: 15, 3: 15}
MAX_OPTIONS = 25
MAX_CHOICES = 25
MAX_DESCRIPTION = 100
_NAME = re.compile(r"[-_'\w]{1,32}")
_MENU_NAME = re.compile(r"[^\x00-\x1f]{1,32}")
_OPTION_KINDS = range(1, 12)
_NESTING = (1, 2)
_KEPT = ("nsfw", "contexts", "integration_types", "name_localizations", "description_localizations", "dm_permission")
_OPTION_KEPT = (
    "required",
    "choices",
    "channel_types",
    "min_value",
    "max_value",
    "min_length",
    "max_length",
    "autocomplete",
)


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
    """Check that the application is the caller's; give the guild's id, or None for global."""
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
    errors = FormErrors()
    values = (await call.body()).sequence
    forms = [_check(value, errors, str(index)) for index, value in enumerate(values)]
    keys = [(form["type"], form["name"]) for form in forms]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            message = "Application command names must be unique"
            errors.add(str(index), "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
    errors.raise_if_any()
    for kind, limit in MAX_COMMANDS.items():
        if sum(form["type"] == kind for form in forms) > limit:
            raise ApiError(400, 30032, f"Maximum number of application commands reached ({limit}).")
    ids = {(item["type"], item["name"]): int(item["id"]) for item in present.values()}
    present.clear()
    for key, form in zip(keys, forms, strict=True):
        _store(call, form, ids.get(key))
    return list(present.values())


async def create(call: RestCall) -> Created | Json:
    """Create a command, or replace the one with the same name and type."""
    present = _commands(call)
    errors = FormErrors()
    form = _check((await call.body()).mapping, errors, "")
    errors.raise_if_any()
    same = [item for item in present.values() if (item["type"], item["name"]) == (form["type"], form["name"])]
    if same:
        return _store(call, form, int(same[0]["id"]))
    if sum(item["type"] == form["type"] for item in present.values()) >= MAX_COMMANDS[form["type"]]:
        raise ApiError(400, 30032, f"Maximum number of application commands reached ({MAX_COMMANDS[form['type']]}).")
    return Created(_store(call, form, None))


async def edit(call: RestCall) -> Json:
    """Change a command."""
    command = _existing(call)
    errors = FormErrors()
    form = _check({**command, **(await call.body()).mapping}, errors, "")
    errors.raise_if_any()
    return _store(call, form, int(command["id"]))


async def delete(call: RestCall) -> None:
    """Delete a command."""
    del _commands(call)[int(_existing(call)["id"])]


def _store(call: RestCall, form: Json, command_id: int | None) -> Json:
    snowflake = command_id or call.world.snowflakes.next()
    scope = _scope(call)
    command: Json = {
        "id": str(snowflake),
        "application_id": str(call.application.id),
        "version": str(call.world.snowflakes.next()),
        **form,
    }
    if scope is not None:
        command["guild_id"] = str(scope)
    call.application.commands.setdefault(scope, {})[snowflake] = command
    return command


def _check(value: Any, errors: FormErrors, path: str) -> Json:  # noqa: ANN401 - JSON
    """Check a command and write it as Discord gives it back."""
    if not isinstance(value, dict):
        errors.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        value = {}
    at = f"{path}." if path else ""
    kind = value.get("type") or CHAT_INPUT
    if kind not in tuple(MAX_COMMANDS):
        errors.add(f"{at}type", "BASE_TYPE_CHOICES", f"Value must be one of {tuple(MAX_COMMANDS)}.")
        kind = CHAT_INPUT
    form: Json = {"type": kind, "name": _name(value.get("name"), errors, f"{at}name", chat=kind == CHAT_INPUT)}
    form["description"] = _description(value, errors, f"{at}description") if kind == CHAT_INPUT else ""
    form["default_member_permissions"] = _permissions(value.get("default_member_permissions"), errors, at)
    form |= {key: value[key] for key in _KEPT if value.get(key) is not None}
    if kind == CHAT_INPUT:
        form["options"] = _options(value.get("options"), errors, f"{at}options")
    return form


def _name(value: object, errors: FormErrors, path: str, *, chat: bool) -> str:
    pattern = _NAME if chat else _MENU_NAME
    if isinstance(value, str) and pattern.fullmatch(value) and (not chat or value == value.lower()):
        return value
    errors.add(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    return ""


def _description(value: Json, errors: FormErrors, path: str) -> str:
    description = value.get("description")
    if isinstance(description, str) and 1 <= len(description) <= MAX_DESCRIPTION:
        return description
    errors.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_DESCRIPTION} in length.")
    return ""


def _permissions(value: object, errors: FormErrors, at: str) -> str | None:
    if value is None:
        return None
    text = str(value)
    if isinstance(value, str | int) and text.isascii() and text.isdecimal() and len(text) <= 20:  # noqa: PLR2004
        return text
    errors.add(f"{at}default_member_permissions", "NUMBER_TYPE_COERCE", "Value is not int.")
    return None


def _options(value: object, errors: FormErrors, path: str) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MAX_OPTIONS:
        errors.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_OPTIONS} or fewer in length.")
        return []
    return [_option(item, errors, f"{path}.{index}") for index, item in enumerate(value)]


def _option(value: object, errors: FormErrors, path: str) -> Json:
    if not isinstance(value, dict):
        errors.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return {}
    kind = value.get("type")
    if kind not in _OPTION_KINDS:
        errors.add(f"{path}.type", "BASE_TYPE_CHOICES", "Value must be between 1 and 11.")
        return {}
    option: Json = {
        "type": kind,
        "name": _name(value.get("name"), errors, f"{path}.name", chat=True),
        "description": _description(value, errors, f"{path}.description"),
    }
    option |= {key: value[key] for key in _OPTION_KEPT if value.get(key) is not None}
    choices = option.get("choices", [])
    if not isinstance(choices, list) or len(choices) > MAX_CHOICES:
        errors.add(f"{path}.choices", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_CHOICES} or fewer in length.")
    elif not choices:
        option.pop("choices", None)
    if kind in _NESTING:
        option["options"] = _options(value.get("options"), errors, f"{path}.options")
    return option
