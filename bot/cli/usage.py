"""``echoless usage``: tokens and cost of answers, also as a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click
from rich.table import Table

from bot.cli.options import config_option, folder_option
from bot.cli.output import console, say_json
from bot.cli.picture_file import PictureFile, write_picture
from bot.cli.points import CHANNEL, PointType
from bot.cli.selection import reading
from bot.moderation.display_names import beside
from bot.moderation.pictures.usage import drawn
from bot.moderation.points import Point
from bot.moderation.usage import Sum, Usage, collect, moderators_line, shown_day, since_moment
from bot.money import dollar_text

WIDTH = 30


@click.command()
@config_option
@folder_option
@click.option("--channel", "channel_id", type=CHANNEL, help="Only of this channel, thread or DM: its id, or a link.")
@click.option(
    "--since",
    type=PointType(),
    help="Only from then on: how long ago (7d), a time (local, or with a zone: 2026-08-06T12:00Z), a message, or with "
    "--channel a version.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object; days in UTC.")
@click.option("--picture", "--svg", type=PictureFile(), help="Draw tokens a day into this file, .svg or .png.")
def usage(
    *,
    config_path: Path | None,
    folder: Path | None,
    channel_id: int | None,
    since: Point | None,
    as_json: bool,
    picture: Path | None,
) -> None:
    """Show what answers of models took: tokens and cost by day (UTC), person, channel and model.

    It may be used while the bot runs. People are named where the log's key is there; without it all else is shown.
    """
    channels = None if channel_id is None else (channel_id,)

    async def run() -> Usage:
        async with reading(config_path, folder, words=None) as reader:
            moment = None if since is None else await since_moment(reader, channels, since)
            return await collect(reader, channels=channels, since=moment)

    found = asyncio.run(run())
    if picture is not None:
        write_picture(picture, drawn(found.days))
    if as_json:
        say_json(found.to_json())
    else:
        _print(found)


def _print(found: Usage) -> None:
    screen = console()
    screen.print(f"{found.total}")
    days = {shown_day(day): each for day, each in found.days.items()}
    for name, group in (("day", days), ("person", found.people), ("channel", found.channels), ("model", found.models)):
        if group:
            screen.table(_table(name, group, found.names, bars=screen.is_terminal))
    for line in moderators_line(found):
        screen.print(line)
    if found.reactions:
        screen.print("reactions: " + ", ".join(f"{count} {name}" for name, count in sorted(found.reactions.items())))
    if found.total.unpriced:
        screen.print("unpriced: no price in llm.prices")


def _table(name: str, group: Mapping[str, Sum], names: Mapping[str, str], *, bars: bool) -> Table:
    named = not names.keys().isdisjoint(group)
    table = Table(name, *(("name",) if named else ()), *(("",) if bars else ()))
    for heading in ("replies", "tokens", "cost"):
        table.add_column(heading, justify="right")
    largest = max(each.tokens for each in group.values()) or 1
    for key, each in (
        sorted(group.items()) if name == "day" else sorted(group.items(), key=lambda item: -item[1].tokens)
    ):
        bar = ["█" * max(1, round(WIDTH * each.tokens / largest))] if bars else []
        cost = dollar_text(each.cost_micros) + (f" ({each.unpriced:,} unpriced)" if each.unpriced else "")
        called = (beside(names.get(key)),) if named else ()
        table.add_row(key, *called, *bar, f"{each.replies:,}", f"{each.tokens:,}", cost)
    return table
