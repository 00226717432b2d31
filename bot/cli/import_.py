"""``echoless import``: what was said before, from files, into the log of a bot that is stopped."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from errno import EISDIR
from pathlib import Path
from typing import IO, Any

import click

from bot.app import from_settings
from bot.app.retention import Ages
from bot.cli.backup import bars
from bot.cli.options import config_option, log_location, one_folder_option, settings
from bot.cli.output import count_text, printable, progress, say_json, to_json
from bot.cli.points import CHANNEL, PERSON, PointType
from bot.cli.records import say
from bot.config import Config
from bot.errors import TokenError
from bot.eventlog.location import Location
from bot.eventlog.log import open_log, open_reader
from bot.gateway.invitation import application_of
from bot.importing import exported, new_log
from bot.importing.found import Aside, Place
from bot.importing.recording import IMPORTED, KNOWN, Importer, Wanted
from bot.importing.sources import Terms, findings_in, is_log_export
from bot.moderation.points import Point
from bot.private_file import private_file


@dataclass(slots=True)
class _SetAside:
    """Writes what can't be imported to a file, which there is only if there is such a thing: without any words."""

    path: Path
    stack: ExitStack
    count: int = 0
    _file: IO[str] | None = field(default=None)

    def __call__(self, file: str, aside: Aside) -> None:
        """Write one line."""
        try:
            if self._file is None:
                if self.path.is_dir():
                    raise IsADirectoryError(EISDIR, "it is a folder")
                self._file = self.stack.enter_context(private_file(self.path, replace=True))
            row = {
                "file": file,
                "number": aside.number,
                "message_id": str(aside.message_id) if aside.message_id else None,
            }
            self._file.write(to_json(row | {"why": aside.why}) + "\n")
        except OSError as error:
            raise click.ClickException(
                f"{self.path} can't be written ({error.strerror}): name another file by --set-aside."
            ) from error
        self.count += 1


@click.command("import")
@click.argument(
    "paths", metavar="FILE_OR_FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True)
)
@config_option
@one_folder_option
@click.option("--channel", "channels", type=CHANNEL, multiple=True, help="Only this channel; may be repeated.")
@click.option("--since", type=PointType(), help="Only messages from then on: a time, or how long ago (90d).")
@click.option("--author", "author_id", type=PERSON, help="Whose data package it is, where it does not say.")
@click.option(
    "--set-aside",
    "aside_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to list what can't be imported.  [default: NAME.set-aside.jsonl beside the first file]",
)
@click.option(
    "--dry-run", is_flag=True, help="Count what would be imported, and leave the log as it is; also while the bot runs."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def import_(  # noqa: PLR0913 - one for each option
    *,
    paths: tuple[Path, ...],
    config_path: Path | None,
    folder: Path | None,
    channels: tuple[int, ...],
    since: Point | None,
    author_id: int | None,
    aside_path: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Bring in what was said before the bot was there. The bot has to be stopped.

    A FILE_OR_FOLDER is JSON that DiscordChatExporter made (also of a cancelled export, and in parts), or the data
    package that Discord sends to a person, as a zip or unpacked: it holds what that person wrote. Their messages join
    the log as message.imported, each once, however often this runs; killed, it is run again. Nothing imported is ever
    answered. What was erased or deleted stays so, and people who opted out are left out.

    Or it is the JSON Lines of `echoless log export --words`, of a whole log. That becomes a new log, with the same
    positions, versions and times, and a key of its own: name a new folder by --log.

    Exit code 1 when something can't be imported: it is listed in a file, by its number, without its words.
    """
    if since is not None and since.moment is None:
        raise click.UsageError("--since takes a time, or how long ago.")
    config, (first, *others) = settings(config_path, folder), paths
    if is_log_export(first):
        if others or channels or since is not None or author_id is not None:
            raise click.UsageError(
                "An export of a log is imported alone and whole: leave out the other files and options."
            )
        code = _move(first, log_location(config), dry_run=dry_run, as_json=as_json)
        click.get_current_context().exit(code)
    now = time.time_ns() // 1000
    wanted = Wanted(now, frozenset(channels), since.moment if since else None, _Oldest(from_settings.ages(config), now))
    beside = first.resolve()
    with ExitStack() as stack:
        aside = _SetAside(aside_path or beside.with_name(f"{beside.name}.set-aside.jsonl"), stack)
        importer = asyncio.run(
            _run(log_location(config), paths, Terms(_own_id(config), author_id), wanted, aside, dry_run=dry_run)
        )
    _tell(importer, aside, dry_run=dry_run, as_json=as_json)
    click.get_current_context().exit(1 if aside.count else 0)


@dataclass(frozen=True, slots=True)
class _Oldest:
    """The moment from which on retention keeps the words of a place."""

    ages: Ages
    now: int

    def __call__(self, place: Place) -> int | None:
        """Return it, None where words are kept for ever."""
        age = self.ages.of(channel_id=place.channel_id, parent_id=place.parent_id or None, guild_id=place.guild_id)
        return None if age is None else self.now - age


def _own_id(config: Config) -> int:
    """Return the id of the bot's account, 0 where the settings hold no token: then its messages are a bot's."""
    try:
        return application_of(config.token(os.environ).get_secret_value()) or 0
    except TokenError:
        return 0


async def _run(
    location: Location, paths: Iterable[Path], terms: Terms, wanted: Wanted, aside: _SetAside, *, dry_run: bool
) -> Importer:
    findings = findings_in(paths, terms)
    with progress() as bar:
        task = bar.add_task("import", total=None)

        def advance(count: int) -> None:
            bar.advance(task, count)

        if dry_run:
            reader = await open_reader(location, words=False) if location.has_log() else None
            importer = Importer(reader, None, wanted, aside)
            try:
                await importer.run(findings, advance)
            finally:
                if reader is not None:
                    await reader.close()
            return importer
        log = await open_log(location, clock=lambda: time.time_ns() // 1000)
        importer = Importer(log.reader, log, wanted, aside)
        try:
            await importer.run(findings, advance)
        finally:
            await log.close()
        return importer


def _tell(importer: Importer, aside: _SetAside, *, dry_run: bool, as_json: bool) -> None:
    counts = importer.counts.copy()
    imported, known = counts.pop(IMPORTED, 0), counts.pop(KNOWN, 0)
    if as_json:
        say_json(
            {
                "dry_run": dry_run,
                "imported": imported,
                "known": known,
                "not_imported": dict(sorted(counts.items())),
                "set_aside": aside.count,
                "set_aside_file": str(aside.path) if aside.count else None,
                "channels": {str(channel_id): count for channel_id, count in importer.channels.items()},
            }
        )
        return
    channels = count_text(len(importer.channels), "channel")
    say(f"{'Would import' if dry_run else 'Imported'} {count_text(imported, 'message')} into {channels}.")
    if known:
        say(f"{known:,} known already.")
    for why, count in sorted(counts.items()):
        say(f"{count:,} not imported: {why}.")
    if aside.count:
        say(f"{aside.count:,} set aside, each with its number and the reason: {printable(str(aside.path))}")


def _move(path: Path, location: Location, *, dry_run: bool, as_json: bool) -> int:
    """Make a log of an export; return the exit code."""
    with progress() as bar:
        show = bars(bar)
        checked = exported.check(path, lambda number: show("check", number, number))
        there = asyncio.run(new_log.is_there(location, checked.digest))
        if not there and not dry_run:
            asyncio.run(new_log.make(path, checked, location, clock=lambda: time.time_ns() // 1000, progress=show))
    _tell_moved(checked, location, there=there, dry_run=dry_run, as_json=as_json)
    return 1 if checked.cut else 0


def _tell_moved(checked: exported.Checked, location: Location, *, there: bool, dry_run: bool, as_json: bool) -> None:
    if as_json:
        told: dict[str, Any] = {
            "dry_run": dry_run,
            "folder": str(location.folder),
            "events": 0 if there else checked.events,
            "known": checked.events if there else 0,
            "erased": checked.erased,
            "words_lost": checked.lost,
            "cut_at_line": checked.cut or None,
        }
        say_json(told)
        return
    events = count_text(checked.events, "event")
    if there:
        say(f"The log in {printable(str(location.folder))} was made of this export: its {events} are there already.")
    else:
        made = "Would make a new log" if dry_run else "Made a new log"
        say(f"{made} of {events} in {printable(str(location.folder))}.")
    if checked.lost:
        say(f"The words of {count_text(checked.lost, 'event')} did not open when they were exported, and are missing.")
    if checked.cut:
        say(f"The export was cut in line {checked.cut:,}: what came after it is missing.")
    if not (there or dry_run):
        say("It has a key of its own. At its next start the bot asks Discord what it has answered since the export.")
