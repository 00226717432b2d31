"""``echoless log follow``: events as they are recorded, for a program beside the bot."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from functools import partial
from pathlib import Path

import click

from bot.cli.options import config_option, log_location, one_folder_option, settings
from bot.cli.output import say_json
from bot.cli.records import TerminalLine, say
from bot.cli.selection import EventType, reading
from bot.eventlog.pages import History, Page
from bot.moderation.following import Start, followed
from bot.moderation.following import follow as follow_log


@click.command()
@config_option
@one_folder_option
@click.option(
    "--from",
    "after",
    type=click.IntRange(0),
    help="Begin after this position; 0 is all.  [default: what comes from now on]",
)
@click.option(
    "--incarnation",
    type=click.IntRange(0),
    help="The incarnation of the log that --from is of, as the lines have it: so a restored backup is noticed.",
)
@click.option("--type", "types", type=EventType(), multiple=True, help="Only events of this type; may be repeated.")
@click.option("--words/--no-words", default=False, show_default=True, help="Include what people and the bot wrote.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with the log's incarnation.")
def follow(
    *,
    config_path: Path | None,
    folder: Path | None,
    after: int | None,
    incarnation: int | None,
    types: tuple[str, ...],
    words: bool,
    as_json: bool,
) -> None:
    """Show events as they are recorded, until Ctrl-C. It may run beside the bot, and go on where it was.

    Keep position and incarnation of the last line, and begin with --from and --incarnation. When a backup has taken the
    log's place since then, and events that were seen are gone, it ends with an error that says where to go on.
    """
    path = log_location(settings(config_path, folder)).database

    async def run() -> None:
        opening = partial(reading, config_path, folder, words=words)
        async with aclosing(follow_log(opening, path, Start(after, incarnation), types, words=words)) as pages:
            async for history, page in pages:
                _show(page, history, as_json=as_json)

    asyncio.run(run())


def _show(page: Page, history: History, *, as_json: bool) -> None:
    for recorded in page.events:
        line = TerminalLine(recorded, page.words.get(recorded.position))
        if as_json:
            say_json(followed(history, line))
        else:
            say(line.to_text())
    for each in page.skipped:
        click.echo(f"The event at position {each.position} ({each.type}) can't be read: {each.why}.", err=True)
    if page.events:
        sys.stdout.flush()
