"""``echoless log follow``: events as they are recorded, for a program beside the bot."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import click

from bot.cli.options import config_option, folder_option, log_location, settings
from bot.cli.output import say_json
from bot.cli.records import TerminalLine, say
from bot.cli.selection import EventType, reading
from bot.errors import LogError
from bot.eventlog.pages import History, Page, read_history, read_page
from bot.eventlog.reader import Reader

LOOK_EVERY = 0.05
"""Seconds between two looks for new events."""
PAGE = 500


@click.command()
@config_option
@folder_option
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
        position, known = after, incarnation
        while True:
            async with AsyncExitStack() as stack:
                reader = await stack.enter_async_context(reading(config_path, folder, words=words))
                history = await reader.connection.run(read_history)
                position = history.head if position is None else position
                _require_shared(history, position, history.incarnation if known is None else known)
                known = history.incarnation
                inode = path.stat().st_ino
                while path.exists() and path.stat().st_ino == inode:
                    page = await _page(reader, position, types, words=words)
                    _show(page, history, as_json=as_json)
                    position = page.upto
                    if position >= page.head:
                        await asyncio.sleep(LOOK_EVERY)

    asyncio.run(run())


async def _page(reader: Reader, position: int, types: tuple[str, ...], *, words: bool) -> Page:
    vault = reader.vault if words else None
    return await reader.connection.run(partial(read_page, position, types, PAGE, vault))


def _require_shared(history: History, position: int, incarnation: int) -> None:
    """Raise LogError when events up to ``position`` of an earlier incarnation are not in the log any more."""
    fork = history.fork_after(incarnation)
    shared = history.head if fork is None else min(fork, history.head)
    if position > shared:
        why = "a backup took the log's place" if fork is not None else "this is another log, or one that lost its end"
        raise LogError(
            f"The log does not hold what was recorded after position {shared} any more, because {why}. To go on with "
            f"what it holds: --from {shared} --incarnation {history.incarnation}"
        )


def _show(page: Page, history: History, *, as_json: bool) -> None:
    for recorded in page.events:
        line = TerminalLine(recorded, page.words.get(recorded.position))
        if as_json:
            say_json({"incarnation": history.incarnation, **line.to_json()})
        else:
            say(line.to_text())
    for each in page.skipped:
        click.echo(f"The event at position {each.position} ({each.type}) can't be read: {each.why}.", err=True)
    if page.events:
        sys.stdout.flush()
