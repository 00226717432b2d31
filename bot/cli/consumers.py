"""``echoless consumers``: what follows the log, beside a running bot or without one.

The commands write down what is wanted. The running bot does it within a second, and one that rests at its next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from bot.cli.options import config_option, folder_option, settings
from bot.cli.output import console, count_text, printable, say_json
from bot.cli.records import say
from bot.cli.selection import reading
from bot.consumers.consumers import FOLDER
from bot.consumers.store import Parked, look, readable
from bot.consumers.wishes import Wanted, What, Wishes
from bot.eventlog.tail import newest_position
from bot.moderation.command import ModerationError
from bot.moderation.commands import FOLLOWING
from bot.moderation.control_socket import call
from bot.times import iso_time, utc_time

Command = Callable[..., Any]

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@dataclass(frozen=True, slots=True)
class Row:
    """A consumer as the running bot or its files tell; ``lag`` counts the events of the log after ``position``.

    ``trouble`` says why it waits or was stopped; files tell nothing of that.
    """

    name: str
    state: str
    position: int
    lag: int
    parked: int
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of the consumers, and the names of those that are set or have a file."""

    folder: Path
    names: tuple[str, ...]

    @property
    def wishes(self) -> Wishes:
        """Return what is wanted of them."""
        return Wishes(self.folder)

    def path(self, name: str) -> Path:
        """Return the path of a consumer's database."""
        return self.folder / f"{name}.db"

    def require(self, name: str) -> None:
        """Refuse the name of a consumer that is not there."""
        if name not in self.names:
            known = ", ".join(self.names) or "none: name one in the settings, in a table such as [consumers.jsonl]"
            raise click.BadParameter(f"there is no consumer {name!r}. There are: {known}.", param_hint="'NAME'")


def _place(config_path: Path | None, folder: Path | None) -> Place:
    config = settings(config_path, folder)
    within = config.log.path / FOLDER
    found = (path.name.removesuffix(".db") for path in within.glob("*.db"))
    return Place(within, tuple(sorted({*config.consumers, *found})))


@click.group(invoke_without_command=True)
@config_option
@folder_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a consumer.")
@click.pass_context
def consumers(ctx: click.Context, *, config_path: Path | None, folder: Path | None, as_json: bool) -> None:
    """List what follows the log: how far each consumer is, and how many events it could not handle.

    With a command it is steered. The running bot does that within a second; a bot that rests, at its next start.
    """
    if ctx.invoked_subcommand is not None:
        return
    place = _place(config_path, folder)

    async def head() -> int:
        async with reading(config_path, folder, words=False) as reader:
            return await reader.connection.run(newest_position)

    newest = asyncio.run(head())
    running = {row.name: row for row in asyncio.run(_running(place.folder.parent))}
    with readable():
        wanted = place.wishes.read()
        rows = [running.get(name) or _row(place, name, newest, wanted) for name in place.names]
    if as_json:
        for row in rows:
            say_json(asdict(row))
    elif rows:
        table = Table("consumer", "state", "position", "behind", "parked")
        for row in rows:
            table.add_row(row.name, row.state, f"{row.position:,}", f"{row.lag:,}", f"{row.parked:,}")
        console().table(table)
        for row in rows:
            if row.trouble:
                say(f"{row.name} is {row.state}: {printable(row.trouble)}")
    else:
        say("There are no consumers: name one in the settings, in a table such as [consumers.jsonl].")


async def _running(folder: Path) -> list[Row]:
    """Return the consumers of the bot that runs on the log, none where no bot does."""
    try:
        report = await call(folder, FOLLOWING.name, {})
    except ModerationError:
        return []  # one of an older release
    names = [field.name for field in fields(Row)]
    return [] if report is None else [Row(*(each[name] for name in names)) for each in report.data]


def _row(place: Place, name: str, head: int, wanted: Wanted) -> Row:
    path = place.path(name)
    checkpoint, parked = look(path) if path.exists() else (None, [])
    position = checkpoint.position if checkpoint else 0
    if name in wanted.paused:
        state = "paused"
    elif path.with_name(f"{path.name}.new").exists():
        state = "rebuilding"
    else:
        state = "following" if checkpoint else "new"
    return Row(name, state, position, max(0, head - position), len(parked))


def _steering(command: Command) -> Command:
    """Give a command the name of a consumer and the options that find its files."""
    for option in (folder_option, config_option, click.argument("name")):
        command = option(command)
    return command


@consumers.command()
@_steering
def pause(*, name: str, config_path: Path | None, folder: Path | None) -> None:
    """Have a consumer rest until it is resumed. Nothing is lost meanwhile."""
    place = _place(config_path, folder)
    place.require(name)
    with readable():
        place.wishes.pause(name)
    say(f"{name} rests until: echoless consumers resume {name}")


@consumers.command()
@_steering
def resume(*, name: str, config_path: Path | None, folder: Path | None) -> None:
    """Have a consumer go on where it was paused."""
    place = _place(config_path, folder)
    place.require(name)
    with readable():
        place.wishes.resume(name)
    say(f"{name} goes on.")


@consumers.command()
@_steering
def reset(*, name: str, config_path: Path | None, folder: Path | None) -> None:
    """Have a consumer begin anew with the first event of the log.

    Where all it makes is in its own database, a new one is made beside, and the old one stays until that has caught up.
    """
    _wish(_place(config_path, folder), name, "reset")
    say(f"{name} begins anew.")


@consumers.command()
@_steering
@json_option
def parked(*, name: str, config_path: Path | None, folder: Path | None, as_json: bool) -> None:
    """List the events that a consumer could not handle, with the kind and place of the error."""
    place = _place(config_path, folder)
    place.require(name)
    with readable():
        events = look(place.path(name))[1] if place.path(name).exists() else []
    if as_json:
        for each in events:
            say_json({**each._asdict(), "parked_at": iso_time(each.parked_at)})
    elif events:
        console().table(_listed(events))
    else:
        say(f"{name} has no parked events.")


def _listed(events: list[Parked]) -> Table:
    table = Table("position", "type", "tries", "parked", "error")
    for each in events:
        table.add_row(str(each.position), each.type, str(each.attempts), utc_time(each.parked_at), each.error)
    return table


def _of_parked(command: Command) -> Command:
    """Give a command the name of a consumer, and one of its parked events or all of them."""
    return _steering(click.argument("position", type=_Positions(), default="all")(command))


class _Positions(click.ParamType[int | None]):
    """The position of a parked event, or ``all``."""

    name = "position"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the position, None for all."""
        if value == "all":
            return None
        if not str(value).isascii() or not str(value).isdecimal() or len(str(value)) > 18:  # noqa: PLR2004 - 64 bits
            self.fail(f"{value!r} is neither a position nor all.", param, ctx)
        return int(str(value))


@consumers.command()
@_of_parked
def retry(*, name: str, position: int | None, config_path: Path | None, folder: Path | None) -> None:
    """Hand a parked event over once more, by its POSITION, or all of them. One that fails again stays parked."""
    place = _place(config_path, folder)
    _say_wished(_wish(place, name, "retry", position), "handed over once more")


@consumers.command()
@_of_parked
def drop(*, name: str, position: int | None, config_path: Path | None, folder: Path | None) -> None:
    """Take a parked event off the list, by its POSITION, or all of them. The log keeps the event."""
    place = _place(config_path, folder)
    _say_wished(_wish(place, name, "drop", position), "dropped")


def _wish(place: Place, name: str, what: What, position: int | None = None) -> int:
    """Write down what is wanted; return how many parked events that concerns."""
    place.require(name)
    with readable():
        events = look(place.path(name))[1] if place.path(name).exists() else []
        chosen = [each for each in events if position in (None, each.position)]
        if position is not None and not chosen:
            raise click.BadParameter(f"{name} has no event parked at position {position}.", param_hint="'POSITION'")
        place.wishes.add(name, what, position)
    return len(chosen)


def _say_wished(events: int, what: str) -> None:
    say(f"{count_text(events, 'event')} will be {what}.")
