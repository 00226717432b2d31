"""Control routes that use a bot's commands, menus, buttons and forms as a person, and show its answers."""

from __future__ import annotations

from typing import Any

from bot.sandbox import permissions
from bot.sandbox.control.call import ControlCall, ControlRoute
from bot.sandbox.control.command_options import CHAT_INPUT, USER_MENU, CommandOptions, split_command
from bot.sandbox.control.records import message_record
from bot.sandbox.errors import ControlError
from bot.sandbox.interactions import Interaction, InteractionKind
from bot.sandbox.json_codec import Json
from bot.sandbox.message_payloads import message_payload
from bot.sandbox.models import Application, Channel, Message, User
from bot.sandbox.payloads import member_payload, user_payload

_BUTTON = 2
_TEXT_INPUT = 4


def routes() -> list[ControlRoute]:
    """List the routes."""
    command = {"user": "alice", "channel": "general", "command": "ping", "options": {}, "permissions": []}
    button = {"user": "alice", "message": "1", "custom_id": "retry"}
    modal = {"user": "alice", "channel": "general", "custom_id": "form", "fields": {"why": "because"}}
    return [
        ControlRoute("GET", "/commands", list_commands),
        ControlRoute("POST", "/interactions/command", use_command, command),
        ControlRoute("POST", "/interactions/component", use_component, button),
        ControlRoute("POST", "/interactions/modal", submit_modal, modal),
        ControlRoute("GET", "/interactions/{interaction}", show_interaction),
    ]


def interaction_record(call: ControlCall, interaction: Interaction) -> Json:
    """Build the record of an interaction: how it was acknowledged, and every answer."""
    original = interaction.original
    return {
        "id": str(interaction.id),
        "type": int(interaction.kind),
        "user": interaction.user.name,
        "channel_id": str(interaction.channel.id),
        "acknowledged": None if interaction.acknowledged is None else int(interaction.acknowledged),
        "acknowledged_after": interaction.acknowledged_after,
        "waiting": interaction.waiting,
        "original": None if original is None else message_record(call.world, original),
        "followups": [message_record(call.world, message) for message in interaction.followups],
        **interaction.answer,
    }


async def list_commands(call: ControlCall) -> Json:
    """List the commands the bot registered, global ones and those of guilds."""
    application = call.application()
    return {"commands": [command for scope in application.commands.values() for command in scope.values()]}


async def use_command(call: ControlCall) -> Json:
    """Use a slash command or a context menu as a person.

    command: its name, with subcommands behind it ("log show"); options: {name: value}, users and channels by name or
    id; target: the message id or user of a context menu; focused: the option being typed (autocomplete).
    permissions: the person's, as names or a number, instead of those they have; Discord's hiding of commands by
    default_member_permissions is not applied, ``hidden`` tells whether it would have been.
    """
    application, channel = call.application(), call.channel()
    command, path = _find_command(application, channel, call.text("command"))
    data: Json = {"id": command["id"], "name": command["name"], "type": command["type"]}
    if "guild_id" in command:
        data["guild_id"] = command["guild_id"]
    focused = call.text("focused", None)
    if command["type"] == CHAT_INPUT:
        options = CommandOptions(call, channel, focused)
        data["options"] = options.build(command, path, call.mapping("options", {}))
        data["resolved"] = options.resolved
    else:
        data |= _target(call, command["type"], channel)
    kind = InteractionKind.COMMAND if focused is None else InteractionKind.AUTOCOMPLETE
    interaction = _start(call, application, kind, channel, data)
    needed = int(command["default_member_permissions"] or 0)
    bits = _permissions(call)
    held = permissions.effective(channel, interaction.user.id) if bits is None else bits
    admin_only = command["default_member_permissions"] == "0"
    hidden = not held & permissions.Permission.ADMINISTRATOR and (admin_only or held & needed != needed)
    return {**interaction_record(call, interaction), "hidden": bool(hidden)}


def _person(call: ControlCall) -> User:
    user = call.user("user", "alice")
    if user.bot:
        raise ControlError("A bot can't click.")
    return user


def _find_command(application: Application, channel: Channel, text: str) -> tuple[Json, list[str]]:
    guild_id = None if channel.guild is None else channel.guild.id
    scopes = [application.commands.get(guild_id, {}), application.commands.get(None, {})]
    for scope in scopes:
        for command in scope.values():
            path = split_command(command, text)
            if path is not None:
                return command, path
    known = ", ".join(sorted({item["name"] for scope in scopes for item in scope.values()})) or "none"
    raise ControlError(f"The bot has no command {text!r} here; it has: {known}.", status=404)


def _permissions(call: ControlCall) -> int | None:
    value: Any = call.body.get("permissions")
    if value is None:
        return None
    return permissions.parse(value) if isinstance(value, list) else int(call.number("permissions", whole=True))


def _target(call: ControlCall, kind: int, channel: Channel) -> Json:
    if kind == USER_MENU:
        user = call.user("target", create=False)
        resolved: Json = {"users": {str(user.id): user_payload(user)}}
        if channel.guild is not None and user.id in channel.guild.members:
            member = member_payload(channel.guild.members[user.id], with_user=False)
            resolved["members"] = {str(user.id): {**member, "permissions": "0"}}
        return {"target_id": str(user.id), "resolved": resolved}
    message = call.live_message("target")
    payload = message_payload(message, call.world.messages.get)
    return {"target_id": str(message.id), "resolved": {"messages": {str(message.id): payload}}}


def _start(
    call: ControlCall,
    application: Application,
    kind: InteractionKind,
    channel: Channel,
    data: Json,
    source: Message | None = None,
) -> Interaction:
    user, bits, locale = _person(call), _permissions(call), call.text("locale", "en-US")
    return call.services.interactions.start(
        application, kind, user, channel, data, permissions=bits, locale=locale, source=source
    )


async def use_component(call: ControlCall) -> Json:
    """Press a button or choose from a select (``values``; people, roles and channels by name or id) on a message."""
    message = call.live_message()
    custom_id = call.text("custom_id")
    component = _find_component(message.components, custom_id)
    application = call.world.applications.get(message.author.id)
    if component is None or application is None:
        raise ControlError(f"Message {message.id} has no component {custom_id!r}.", status=404)
    if component.get("disabled"):
        raise ControlError(f"The component {custom_id!r} is disabled.")
    component_type = component.get("type", _BUTTON)
    data: Json = {"custom_id": custom_id, "component_type": component_type, "id": component["id"]}
    if component_type != _BUTTON:
        options = CommandOptions(call, message.channel, None)
        data["values"] = [options.chosen(component_type, value) for value in call.items("values", [])]
        if options.resolved:
            data["resolved"] = options.resolved
    interaction = _start(call, application, InteractionKind.COMPONENT, message.channel, data, source=message)
    return interaction_record(call, interaction)


def _find_component(components: list[Json], custom_id: str) -> Json | None:
    for component in components:
        if component.get("custom_id") == custom_id:
            return component
        found = _find_component(component.get("components", []), custom_id)
        if found is not None:
            return found
    return None


async def submit_modal(call: ControlCall) -> Json:
    """Submit a form: fields is {custom_id: text}."""
    rows = [
        {"type": 1, "id": 2 * index + 1, "components": [_text_input(name, value, 2 * index + 2)]}
        for index, (name, value) in enumerate(call.mapping("fields", {}).items())
    ]
    data: Json = {"custom_id": call.text("custom_id"), "components": rows, "resolved": {}}
    application = call.application()
    interaction = _start(call, application, InteractionKind.MODAL_SUBMIT, call.channel(), data)
    return interaction_record(call, interaction)


def _text_input(name: str, value: object, number: int) -> Json:
    return {"type": _TEXT_INPUT, "id": number, "custom_id": name, "value": str(value)}


async def show_interaction(call: ControlCall) -> Json:
    """Show an interaction and what the bot answered: original, followups, choices, modal."""
    return interaction_record(call, find_interaction(call))


def find_interaction(call: ControlCall) -> Interaction:
    """Find the interaction ``interaction`` by id."""
    interaction = call.services.interactions.by_id.get(call.number("interaction", whole=True))
    if interaction is None:
        raise ControlError("There is no such interaction.", status=404)
    return interaction
