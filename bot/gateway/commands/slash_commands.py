"""The commands in Discord's form, with options and their suggestions, made from the list of commands."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Optional, TypeAlias

import discord
from discord import app_commands

from bot.gateway.commands.autocomplete import Autocomplete
from bot.gateway.commands.command_answers import CommandAnswers
from bot.gateway.interaction_replies import ASK, LONGEST, InteractionReplies
from bot.moderation import commands
from bot.moderation.command import Command, Kind, Parameter

SlashCommand: TypeAlias = app_commands.Command[Any, ..., None]
TopCommand: TypeAlias = "app_commands.Group | app_commands.ContextMenu | SlashCommand"
Callback: TypeAlias = Callable[..., Awaitable[None]]

CONTEXTS = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False)
INSTALLS = app_commands.AppInstallationType(guild=True, user=False)


def moderators_commands(answers: CommandAnswers, hint: discord.Permissions) -> list[TopCommand]:
    """Return all commands of the list in Discord's form; ``hint``: members without these permissions don't see them."""
    suggest = Autocomplete(answers.context)
    groups = {
        name: app_commands.Group(
            name=name,
            description=description,
            default_permissions=hint if _hidden(name) else None,
            allowed_contexts=CONTEXTS,
            allowed_installs=INSTALLS,
        )
        for name, description in commands.GROUPS.items()
    }
    top: list[TopCommand] = [*groups.values()]
    for command in commands.COMMANDS:
        made = _slash_command(command, answers, suggest)
        if command.group:
            groups[command.group].add_command(made)
        else:
            made.default_permissions = None if answers.open_to_all(command) else hint
            made.allowed_contexts, made.allowed_installs = CONTEXTS, INSTALLS
            top.append(made)
        if command.menu:
            top.append(_menu(command, answers, hint))
    return top


def _hidden(group: str) -> bool:
    """Tell whether only moderators may use the commands of a group."""
    return not any(command.for_all for command in commands.COMMANDS if command.group == group)


def ask_command(replies: InteractionReplies) -> SlashCommand:
    """Return ``/ask``, which everybody may use."""

    @app_commands.describe(
        question=f"What you want to know, in up to {LONGEST:,} characters.",
        private="Only you see the answer.",
        thread="The answer opens a thread, in which the conversation goes on.",
    )
    async def callback(
        interaction: discord.Interaction,
        question: app_commands.Range[str, 1, LONGEST],
        private: bool = False,  # noqa: FBT001, FBT002 - an option of the command
        thread: bool | None = None,  # noqa: FBT001 - an option of the command
    ) -> None:
        await replies.ask(interaction, question, private=private, thread=thread)

    made: SlashCommand = app_commands.Command(
        name=ASK,
        description="Ask the bot something.",
        callback=callback,
        allowed_contexts=CONTEXTS,
        allowed_installs=INSTALLS,
    )
    return made


def _slash_command(command: Command, answers: CommandAnswers, suggest: Autocomplete) -> SlashCommand:
    options = [parameter for parameter in command.parameters if parameter.is_option]

    async def callback(interaction: discord.Interaction, **given: object) -> None:
        await answers.serve(interaction, command, given)

    # discord.py reads the options from the signature, so it is made from the list.
    interaction = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    callback.__signature__ = inspect.Signature([interaction, *map(_option, options)])  # type: ignore[attr-defined]
    app_commands.describe(**{option.argument: option.text for option in options})(callback)
    app_commands.rename(**{option.argument: option.name for option in options})(callback)
    made: SlashCommand = app_commands.Command(name=command.name, description=command.text, callback=callback)
    for option in options:
        if source := _suggestions(option, suggest):
            made.autocomplete(option.argument)(source)
    return made


def _menu(command: Command, answers: CommandAnswers, hint: discord.Permissions) -> app_commands.ContextMenu:
    """Return a command's entry in the menu of a message."""

    async def callback(interaction: discord.Interaction, message: discord.Message) -> None:
        given = {"channel_id": str(message.channel.id), "message_id": str(message.id)}
        await answers.serve(interaction, command, given)

    made = app_commands.ContextMenu(
        name=command.menu, callback=callback, allowed_contexts=CONTEXTS, allowed_installs=INSTALLS
    )
    made.default_permissions = hint
    return made


def _option(parameter: Parameter) -> inspect.Parameter:
    kind, default = _type_of(parameter), parameter.default
    if parameter.required:
        default = inspect.Parameter.empty
    elif default is None:
        kind = Optional[kind]  # noqa: UP045 - made at run time
    return inspect.Parameter(parameter.argument, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _type_of(parameter: Parameter) -> Any:  # noqa: ANN401 - what discord.py takes for a type
    match parameter.kind:
        case Kind.PERSON:
            return discord.User
        case Kind.PLACE:
            return Literal["channel", "server"]
        case Kind.SERVER_OR_ALL:
            return Literal["this server", "everywhere"]
        case Kind.NUMBER:
            return app_commands.Range[int, parameter.least, parameter.most]
        case Kind.TEXT if parameter.most is not None:
            return app_commands.Range[str, parameter.least, parameter.most]
    return str


def _suggestions(parameter: Parameter, suggest: Autocomplete) -> Any:  # noqa: ANN401 - its types want one client's class
    sources: Mapping[Kind, object] = {
        Kind.CHANNEL: suggest.channels,
        Kind.CHANNEL_OR_LOG: suggest.channels,
        Kind.VISIBLE_CHANNELS: suggest.channels,
        Kind.READABLE_CHANNELS: suggest.channels,
        Kind.POINT: suggest.points,
        Kind.EVENT_TYPES: suggest.types,
        Kind.MODEL: suggest.models,
    }
    return sources.get(parameter.kind)
