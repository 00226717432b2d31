"""``echoless stats``: messages, people and replies, how soon these came, what got none; also as a picture."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from bot.cli.options import config_option, folder_option, log_location, settings
from bot.cli.output import console, progress, say_json
from bot.cli.picture_file import PictureFile, write_picture
from bot.cli.points import CHANNEL, PointType
from bot.cli.selection import reading
from bot.consumers.activity.reading import count_activity
from bot.moderation.activity import A_DAY, AN_HOUR, Activity, Figures, brief_span, slot_name
from bot.moderation.display_names import beside
from bot.moderation.pictures.activity import drawn
from bot.moderation.points import Point
from bot.moderation.stats import heading, names_of_channels, summary, wanted_since
from bot.money import dollar_text

WIDTH = 20
_STEPS = {"day": A_DAY, "hour": AN_HOUR}
_BY_CHANNEL = "channel"


@click.command()
@config_option
@folder_option
@click.option("--channel", "channel_id", type=CHANNEL, help="Only of this channel, thread or DM: its id, or a link.")
@click.option(
    "--since",
    type=PointType(),
    help="From then on: how long ago (7d), a time (local, or with a zone: 2026-08-06T12:00Z), a message, or with "
    "--channel a version.  [default: 30 days ago]",
)
@click.option(
    "--by",
    type=click.Choice([*_STEPS, _BY_CHANNEL]),
    help="The rows of the table: days or hours (UTC), or channels.  [default: day, below three days hour]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object; days and hours in UTC.")
@click.option("--picture", type=PictureFile(), help="Draw it into this file, .png or .svg.")
def stats(
    *,
    config_path: Path | None,
    folder: Path | None,
    channel_id: int | None,
    since: Point | None,
    by: str | None,
    as_json: bool,
    picture: Path | None,
) -> None:
    """Show what went on: messages, people, replies and how soon these came, what got none, by day, hour or channel.

    It may be used while the bot runs. With a table [consumers.activity] in the settings the running bot counts all the
    time, and this is there at once; without it the log is read.
    """
    channels = None if channel_id is None else (channel_id,)
    location = log_location(settings(config_path, folder))

    async def run() -> tuple[Activity, Mapping[str, str]]:
        async with reading(config_path, folder, words=None) as reader:
            now = time.time_ns() // 1000
            wanted = await wanted_since(reader, channels, since, now, _STEPS.get(by or ""))
            with progress() as bar:
                task = bar.add_task("counting events", total=None)
                told = partial(_tell, bar, task)
                found = await count_activity(reader, location.folder, wanted, told)
            return found, await names_of_channels(reader, found, {})

    found, names = asyncio.run(run())
    if picture is not None:
        write_picture(picture, drawn(found))
    if as_json:
        say_json(found.to_json(names))
    else:
        _print(found, names, by_channel=by == _BY_CHANNEL)


def _tell(bar: Any, task: Any, done: int, total: int) -> None:  # noqa: ANN401 - rich's
    bar.update(task, completed=done, total=total)


def _print(found: Activity, names: Mapping[str, str], *, by_channel: bool) -> None:
    screen = console()
    screen.print(heading(found))
    for line in summary(found):
        screen.print(line)
    if by_channel:
        rows = {str(key): each for key, each in sorted(found.channels.items(), key=lambda item: -item[1].messages)}
    else:
        rows = {slot_name(hour, found.wanted.step): each for hour, each in sorted(found.slots.items())}
    name = _BY_CHANNEL if by_channel else "hour" if found.wanted.step == AN_HOUR else "day"
    if rows:
        screen.table(_table(name, rows, names, bars=screen.is_terminal))


def _table(name: str, rows: Mapping[str, Figures], names: Mapping[str, str], *, bars: bool) -> Table:
    named = not names.keys().isdisjoint(rows)
    table = Table(name, *(("name",) if named else ()), *(("",) if bars else ()))
    for column in ("messages", "people", "replies", "half within", "95 % within", "skipped", "given up", "tokens"):
        table.add_column(column, justify="right")
    table.add_column("cost", justify="right")
    largest = max(each.messages for each in rows.values()) or 1
    for key, each in rows.items():
        called = (beside(names.get(key)),) if named else ()
        bar = ("█" * round(WIDTH * each.messages / largest),) if bars else ()
        table.add_row(key, *called, *bar, *_cells(each))
    return table


def _cells(each: Figures) -> tuple[str, ...]:
    half, most = each.within(0.5), each.within(0.95)
    return (
        *(f"{count:,}" for count in (each.messages, each.people, each.replies)),
        *("" if length is None else brief_span(length) for length in (half, most)),
        *(f"{count:,}" for count in (each.skipped.total(), each.given_up.total(), each.tokens)),
        dollar_text(each.cost_micros),
    )
