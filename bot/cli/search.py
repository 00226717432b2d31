"""``echoless search``: words that people and the bot wrote, found by the bot's index or in the log itself."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from bot.app.clock import clock
from bot.cli.options import config_option, folder_option, log_location, settings
from bot.cli.output import printable, progress, say_json
from bot.cli.points import CHANNEL, PERSON, PointType
from bot.cli.records import say
from bot.consumers import fulltext
from bot.consumers.scan import Scan
from bot.consumers.search import search_settings
from bot.eventlog.log import open_reader
from bot.eventlog.reader import Reader
from bot.moderation.command import ModerationError
from bot.moderation.commands import FIND
from bot.moderation.control_socket import call
from bot.moderation.display_names import beside
from bot.moderation.points import Point
from bot.moderation.search import LARGEST_PAGE, report_of
from bot.moderation.sought import Sought
from bot.moderation.usage import since_moment
from bot.times import brief


@click.command()
@click.argument("words", nargs=-1, required=True)
@config_option
@folder_option
@click.option("--channel", "channel_id", type=CHANNEL, help="Only of this channel, thread or DM: its id, or a link.")
@click.option("--person", type=PERSON, help="Only what this person wrote: id or <@id>.")
@click.option(
    "--since",
    type=PointType(),
    help="Only from then on: how long ago (7d), a time (local, or with a zone: 2026-08-06T12:00Z), a message, or with "
    "--channel a version.  [default: as many days as the index holds, 30]",
)
@click.option(
    "--limit", type=click.IntRange(1, LARGEST_PAGE), default=20, show_default=True, help="Messages, the newest first."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a message; times in UTC.")
def search(
    *,
    words: tuple[str, ...],
    config_path: Path | None,
    folder: Path | None,
    channel_id: int | None,
    person: int | None,
    since: Point | None,
    limit: int,
    as_json: bool,
) -> None:
    """Find messages and answers by their WORDS: all of them, "a phrase", a beginning with * behind it.

    A running bot with an index ([consumers.search]) finds them at once. Otherwise the log is read, with its key.
    """
    text = " ".join(words)
    fulltext.expression(text)
    sought = Sought(text, None if channel_id is None else (channel_id,), person)
    found = asyncio.run(_found(config_path, folder, sought, since, limit))
    for hit in found["hits"]:
        if as_json:
            say_json(hit)
        else:
            _print(hit)
    if as_json:
        return
    if not found["hits"]:
        say(f"Nothing holds these words since {brief(found['since'])[:16]}Z.")
    elif found["more"]:
        click.echo("There are older ones: raise --limit.", err=True)


def _print(hit: dict[str, Any]) -> None:
    who = beside(hit["name"]) or hit["author_id"] or "bot"
    say(f"{brief(hit['at'])[:16]}Z  #{hit['channel_id']}  {who}: {printable(hit['excerpt'])}")
    if hit["link"]:
        say(f"    {hit['link']}")


async def _found(config_path: Path | None, folder: Path | None, sought: Sought, since: Point | None, limit: int) -> Any:  # noqa: ANN401 - JSON
    config = settings(config_path, folder)
    location = log_location(config)
    moment = search_settings(config.consumers.get("search", {}), config.folder).since(clock())
    if since is not None:
        reader = await open_reader(location, words=False)
        try:
            moment = await since_moment(reader, sought.channels, since)
        finally:
            await reader.close()
    channel_id = next(iter(sought.channels or ()), None)
    asked = {"words": sought.text, "channel_id": channel_id, "person": sought.author_id, "since": moment, "size": limit}
    with suppress(ModerationError):  # an older bot does not know the request, and a busy one refuses it
        answered = await call(location.folder, FIND.name, asked)
        if answered is not None and answered.data is not None:
            return answered.data
    reader = await open_reader(location)
    try:
        return await _scanned(reader, sought, moment, limit)
    finally:
        await reader.close()


async def _scanned(reader: Reader, sought: Sought, since: int, limit: int) -> Any:  # noqa: ANN401 - JSON
    with progress() as bar:
        task = bar.add_task("search", total=None)
        scan = Scan(reader, since, lambda done, total: bar.update(task, completed=done, total=total))
        return (await report_of(reader, scan, sought, limit, {})).data
