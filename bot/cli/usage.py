"""``echoless usage``: what answers took, with a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click
from rich.table import Table

from bot.app import clock
from bot.cli.new_file import new_file
from bot.cli.options import config_option, folder_option
from bot.cli.output import console, say_json
from bot.cli.replay_options import PointType
from bot.cli.selection import DiscordId, reading
from bot.cli.usage_picture import picture
from bot.moderation.points import parse_point
from bot.moderation.usage import Sum, Usage, collect

WIDTH = 30


@click.command()
@config_option
@folder_option
@click.option("--channel", "channel_id", type=DiscordId(), help="Only of this channel, thread or DM.")
@click.option("--since", type=PointType(), help="Only from this time on, or so long ago, such as 7d.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; days in UTC.")
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Draw tokens a day into this file.")
def usage(
    *,
    config_path: Path | None,
    folder: Path | None,
    channel_id: int | None,
    since: str | None,
    as_json: bool,
    svg: Path | None,
) -> None:
    """Show what answers of models took: tokens and cost by day (UTC), person, channel and model.

    It may be used while the bot runs, and needs no key.
    """
    moment = parse_point(since, clock()).moment if since else None
    if since and moment is None:
        raise click.BadParameter("Give a time or an age, such as 7d.", param_hint="'--since'")

    async def run() -> Usage:
        async with reading(config_path, folder, words=False) as reader:
            return await collect(reader, channels=None if channel_id is None else (channel_id,), since=moment)

    found = asyncio.run(run())
    if svg is not None:
        with new_file(svg, force=True) as file:
            file.write(picture(found.days))
    if as_json:
        say_json(found.to_json())
    else:
        _print(found)


def _print(found: Usage) -> None:
    screen = console()
    screen.print(f"{found.total}")
    groups = (("day", found.days), ("person", found.people), ("channel", found.channels), ("model", found.models))
    for name, group in groups:
        if group:
            screen.table(_table(name, group, bars=screen.is_terminal))
    if found.reactions:
        screen.print("reactions: " + ", ".join(f"{count} {name}" for name, count in sorted(found.reactions.items())))
    if found.total.unpriced:
        screen.print("unpriced: no price in llm.prices")


def _table(name: str, group: Mapping[str, Sum], *, bars: bool) -> Table:
    table = Table(name)
    if bars:
        table.add_column()
    for heading in ("replies", "tokens", "cost"):
        table.add_column(heading, justify="right")
    largest = max(each.tokens for each in group.values()) or 1
    for key, each in (
        sorted(group.items()) if name == "day" else sorted(group.items(), key=lambda item: -item[1].tokens)
    ):
        bar = ["█" * max(1, round(WIDTH * each.tokens / largest))] if bars else []
        cost = f"${each.cost_micros / 1e6:.4f}" + (f" ({each.unpriced:,} unpriced)" if each.unpriced else "")
        table.add_row(key, *bar, f"{each.replies:,}", f"{each.tokens:,}", cost)
    return table
