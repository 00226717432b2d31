"""The subcommands of ``echoless replay``, one for each moderators' command, made from the list of commands."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, TypeAlias

import click

from bot.cli.output import progress
from bot.cli.points import PERSON, MessageType, PointType
from bot.cli.replay_calls import ReplayTarget
from bot.cli.replay_export import write_export
from bot.cli.replay_options import channel_of_points, channel_option, said_before, targeted
from bot.cli.selection import EventType
from bot.moderation import commands
from bot.moderation.command import MESSAGES, WHOLE_CHANNELS, Command, Kind, Parameter, Report
from bot.moderation.points import Point

Option: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

yes_option: Option = click.option("--yes", is_flag=True, help="Do it without asking.")
output_option: Option = click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file, not to stdout."
)
force_option: Option = click.option("--force", is_flag=True, help="Replace the file where there is one.")


class ReplayGroup(click.Group):
    """The subcommands of ``echoless replay``, twins of the commands in Discord."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names in alphabetical order."""
        del ctx
        return sorted(commands.twins())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Make the twin of a command."""
        del ctx
        found = commands.twins().get(cmd_name)
        return None if found is None else _twin(found)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; refuse an unknown one and name the one that was probably meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=self.list_commands(ctx), ctx=ctx) from None


def _twin(command: Command) -> click.Command:
    def run(*, target: ReplayTarget, yes: bool = False, **given: Any) -> None:  # noqa: ANN401 - the command's options
        files = {name: given.pop(name) for name in ("output", "force") if name in given}
        arguments = _arguments(target, command, given)
        if command.exports:
            write_export(target, command, arguments, **files)
        elif yes or command.previewing is None or _confirmed(target, command, command.previewing, arguments):
            _answer(target, command, arguments)

    places = [channel_option] if command.of_kind(*WHOLE_CHANNELS) else []
    others = [_option(parameter) for parameter in command.parameters if parameter.kind not in WHOLE_CHANNELS]
    asking = [yes_option] if command.previewing else []
    files = [output_option, force_option] if command.exports else []
    options: list[Option] = [*places, *others, *asking, *files, targeted]
    decorated = reduce(lambda function, option: option(function), reversed(options), run)
    return click.command(command.name, help=command.help or command.text)(decorated)


def _option(parameter: Parameter) -> Option:
    argument = parameter.argument
    if parameter.required:
        return click.argument(argument, metavar=_metavar(parameter), type=_TYPES.get(parameter.kind))
    option, more = f"--{parameter.name}", dict[str, Any](help=parameter.terminal_help)
    if parameter.kind is Kind.FLAG:
        option = f"{option}/--no-{parameter.name}"
    elif parameter.kind is Kind.EVENT_TYPES:
        more["multiple"] = True
    if parameter.kind in (Kind.NUMBER, Kind.PAGE_SIZE):
        more["type"] = click.IntRange(parameter.least, parameter.most)
    elif parameter.kind in _TYPES:
        more["type"] = _TYPES[parameter.kind]
    if parameter.default is not None:
        more |= {"default": parameter.default, "show_default": True}
    return click.option(option, argument, **more)


_TYPES: dict[Kind, click.ParamType[Any]] = {
    Kind.POINT: PointType(),
    Kind.MESSAGE: MessageType(),
    Kind.MESSAGE_OR_ALL: MessageType(or_all=True),
    Kind.PERSON: PERSON,
    Kind.EVENT_TYPES: EventType(),
}


def _metavar(parameter: Parameter) -> str:
    return (parameter.called or parameter.name).upper()


def _arguments(target: ReplayTarget, command: Command, given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the command's function; refuse options that exclude each other, and a missing channel."""
    chosen = [each.name for each in command.choices if given[each.argument] is not None]
    if len(chosen) > 1:
        raise click.UsageError(f"{' and '.join(f'--{name}' for name in chosen)} exclude each other.")
    for point in command.of_kind(Kind.POINT):
        given[point.argument] = given[point.argument] or said_before(point.argument)
    named: list[Point | None] = [given[each.argument] for each in command.of_kind(Kind.POINT, *MESSAGES)]
    for channel in command.of_kind(*WHOLE_CHANNELS):
        whole_log = channel.kind is Kind.CHANNEL_OR_LOG and not any(named)
        channel_id = given["channel_id"] or said_before("channel_id")
        given["channel_id"] = channel_id if whole_log else channel_of_points(target, channel_id, *named)
    for each in command.of_kind(Kind.POINT):
        # As text with its zone, because the bot's process may have another one.
        given[each.argument] = None if given[each.argument] is None else str(given[each.argument])
    for each in command.of_kind(*MESSAGES):
        given[each.argument] = given[each.argument] and given[each.argument].message_id
    return given


def _answer(target: ReplayTarget, command: Command, arguments: dict[str, Any]) -> None:
    """Carry out a command and write its report; exit with code 1 if the report names a problem."""
    report = asyncio.run(_carried_out(target, command, arguments))
    target.show(report)
    if report.more and command.of_kind(Kind.CURSOR) and not target.as_json:
        click.echo(f"Older ones: add --cursor {report.more}", err=True)
    if (report.data or {}).get("ok") is False:
        click.get_current_context().exit(1)


async def _carried_out(target: ReplayTarget, command: Command, arguments: dict[str, Any]) -> Report:
    if not command.takes("progress"):
        return await target.ask(command, arguments)
    with progress() as bar:
        task = bar.add_task(command.name, total=None)
        return await target.ask(command, arguments, lambda done, total: bar.update(task, completed=done, total=total))


def _confirmed(target: ReplayTarget, command: Command, previewing: Command, arguments: dict[str, Any]) -> bool:
    """Show what would change and ask; tell whether to go on."""
    if not sys.stdin.isatty():
        raise click.UsageError("There is nobody here to confirm it: add --yes, or look first in a terminal without it.")
    preview = asyncio.run(target.ask(previewing, arguments))
    if not preview.data["changed"]:
        target.show(preview)
        return False
    click.echo("\n".join((preview.title, *preview.lines)), err=True)
    if not click.confirm(f"{command.name.capitalize()}?", err=True):
        click.echo("Nothing was changed.", err=True)
        click.get_current_context().exit(1)
    return True
