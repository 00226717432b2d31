"""What Discord is told about the commands and their options."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import discord
from discord import app_commands

from bot.gateway.commands.use import Use

GROUP = "replay"
PERSONA = "persona"
MENU = "Why this reply?"
MENUS = {MENU: "why"}
"""The command that each entry of a menu is another way to."""

CHANNEL = "The channel or thread; by default this one."
AT = "A version, a message's link, 10 minutes ago, or 2026-11-20 14:00 (UTC)."
MESSAGE = "The message: its link (Copy Message Link) or its id."

Suggest: TypeAlias = Callable[[discord.Interaction, str], Awaitable[list[app_commands.Choice[str]]]]
Made: TypeAlias = app_commands.Command[Any, ..., None]

_USE = "use"


def command(name: str, description: str, callback: Any, **suggest: Suggest) -> Made:  # noqa: ANN401 - its options are its signature
    """Return a subcommand; ``suggest`` names the options that are completed, and how."""
    made: Made = app_commands.Command(name=name, description=description, callback=callback)
    for option, source in suggest.items():
        made.autocomplete(option)(source)  # type: ignore[arg-type]  # its types want one client's class
    return made


def admitted(interaction: discord.Interaction, use: Use) -> None:
    """Attach an admitted use to its interaction."""
    interaction.extras[_USE] = use


def is_admitted(interaction: discord.Interaction) -> bool:
    """Tell whether an interaction was admitted as a use."""
    return _USE in interaction.extras


def use_of(interaction: discord.Interaction) -> Use:
    """Return the use that an interaction was admitted as."""
    use: Use = interaction.extras[_USE]
    return use


def command_of(interaction: discord.Interaction) -> str:
    """Return what the settings call the command that was chosen: the words after ``/replay``, all of any other."""
    data = _data(interaction)
    name = str(data.get("name", ""))
    words = [str(option.get("name", "")) for option in _path(data)]
    return " ".join(words if words and name == GROUP else [MENUS.get(name, name), *words])


def options_of(interaction: discord.Interaction) -> str:
    """Return a command's options as they were given."""
    data = _data(interaction)
    if data.get("target_id"):
        return f"message:{data['target_id']}"
    given = _options(data)
    for option in _path(data):
        given = _options(option)
    return " ".join(f"{option.get('name', '')}:{option.get('value', '')}" for option in given)


def custom_id_of(interaction: discord.Interaction) -> str:
    """Return the id of the button that was pressed, or of the form that was sent."""
    return str(_data(interaction).get("custom_id", ""))


def _data(interaction: discord.Interaction) -> Mapping[str, Any]:
    data: Any = interaction.data
    return data if isinstance(data, Mapping) else {}


def _options(data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the options within a command or an option; what is none is left out."""
    options = data.get("options")
    return [option for option in options if isinstance(option, Mapping)] if isinstance(options, list) else []


def _path(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the subcommands (types 1 and 2) that were chosen."""
    chosen = next(iter(_options(data)), None)
    while chosen is not None and chosen.get("type") in (1, 2):
        yield chosen
        chosen = next(iter(_options(chosen)), None)
