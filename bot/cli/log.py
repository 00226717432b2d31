"""``echoless log``: commands that read the event log beside a running bot or without one; one binds it anew."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import click

from bot.app.engines import engine_of
from bot.cli.log_follow import follow
from bot.cli.log_pull import pull
from bot.cli.log_push import push
from bot.cli.log_stats import collect, print_stats
from bot.cli.log_verify import (
    EngineReport,
    VerifyReport,
    check_engine_too,
    check_log,
    print_finding,
    print_report,
    shows_engine,
)
from bot.cli.new_file import new_file
from bot.cli.options import config_option, folder_option, log_location, settings
from bot.cli.output import count_text, progress, say_json, to_json
from bot.cli.records import say
from bot.cli.selection import (
    Selection,
    archive_option,
    chosen,
    chosen_stream,
    opened_archive,
    reading,
    selecting,
    stream_options,
)
from bot.errors import LogError
from bot.eventlog.anchor import Anchor, anchor_of, parse_anchor
from bot.eventlog.database import FILE_NAME
from bot.eventlog.query import Query
from bot.eventlog.rekeying import relink
from bot.eventlog.verify_events import Finding

NEWEST = 50
STREAMS_LISTED = 20

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line; ids as text, times in UTC.")


@click.group()
def log() -> None:
    """Look into the event log: show, follow, stats, verify, anchor, export; and rekey, push, pull.

    It may be read while the bot runs, and only rekey changes it.
    """


log.add_command(follow)
log.add_command(push)
log.add_command(pull)


@log.command()
@config_option
@folder_option
@selecting
@click.option(
    "--limit", type=click.IntRange(0), default=NEWEST, show_default=True, help="Only the newest so many; 0 is all."
)
@click.option("--words/--no-words", default=True, show_default=True, help="Show what people and the bot wrote.")
@archive_option
@json_option
def show(
    *,
    config_path: Path | None,
    folder: Path | None,
    selection: Selection,
    limit: int,
    words: bool,
    archive: Path | None,
    as_json: bool,
) -> None:
    """Show events, oldest first.

    Times are shown in UTC. With words, an event whose words were erased says so.
    """

    async def run() -> None:
        async with reading(config_path, folder, words=words, archive=archive) as reader:
            query = await selection.query(reader)
            async for line in chosen(reader, query, limit=limit, words=words):
                if as_json:
                    say_json(line.to_json())
                else:
                    say(line.to_text())

    asyncio.run(run())


@log.command()
@config_option
@folder_option
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=STREAMS_LISTED,
    show_default=True,
    help="List only the longest so many streams; 0 is all.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object; lists every stream unless --limit says less.")
def stats(*, config_path: Path | None, folder: Path | None, limit: int, as_json: bool) -> None:
    """Count events by type and stream, and show how large and how busy the log is.

    Private channels show whose they are, where the log's key is there.
    """
    listed = click.get_current_context().get_parameter_source("limit") is not click.core.ParameterSource.DEFAULT

    async def run() -> None:
        async with reading(config_path, folder, words=None) as reader:
            path = settings(config_path, folder).log.path / FILE_NAME
            report = await collect(reader, path, time.time_ns() // 1000)
        if as_json:
            say_json(report.to_json(limit if listed else 0))
        else:
            print_stats(report, limit)

    asyncio.run(run())


def _anchor(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Anchor | None:
    try:
        return None if value is None else parse_anchor(value)
    except LogError as error:
        raise click.BadParameter(str(error)) from error


@log.command()
@config_option
@folder_option
@stream_options[0]
@stream_options[1]
@click.option(
    "--anchor",
    metavar="LINE",
    callback=_anchor,
    help="What `echoless log anchor` once printed: shows too whether the end of the log was taken away since then, or "
    "an older copy put in its place.",
)
@archive_option
@click.option("--local", is_flag=True, help="Check the folder alone, and not the engine that keeps its log.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding, then one with the sums.")
def verify(
    *,
    config_path: Path | None,
    folder: Path | None,
    channel_id: int | None,
    stream: str | None,
    anchor: Anchor | None,
    archive: Path | None,
    local: bool,
    as_json: bool,
) -> None:
    """Check that the log is whole and unchanged. Exit code 1 when something is wrong.

    Checked are the structure of the database, its tables, and of each event its place, hash, key and words. Without
    the key hashes and words can't be checked, and whoever changed the log with care is not found. Where an engine
    keeps the log, the folder is compared with all that is there.
    """
    selection = Selection(chosen_stream(channel_id, stream))
    if anchor and (selection.stream or archive):
        raise click.UsageError("An anchor stands for the whole log: leave out --channel, --stream and --archive.")
    config = settings(config_path, folder)
    location = log_location(config)
    words = location.key is not None or location.key_path.exists()
    if archive is not None:
        selection = Selection(opened_archive(location, archive, words=words).manifest.stream)

    def tell(finding: Finding) -> None:
        say_json(asdict(finding)) if as_json else print_finding(finding)

    async def run() -> VerifyReport:
        async with reading(config_path, folder, words=words, archive=archive) as reader:
            query = await selection.query(reader)
            with progress() as bar:
                report = await check_log(reader, query.stream, bar, tell, anchor=anchor)
                if archive or not await shows_engine(reader):
                    return report
                engine = None if local or query.stream else engine_of(config, os.environ)
                if engine is None:
                    why = "--local" if local else "log.engine does not name it"
                    left_out = EngineReport(left_out="only one stream was to be checked" if query.stream else why)
                    return replace(report, engine=left_out)
                return await check_engine_too(reader, engine.partition, report, bar, tell)

    report = asyncio.run(run())
    if as_json:
        say_json(report.to_json(with_key=words))
    else:
        print_report(report, with_key=words)
    click.get_current_context().exit(1 if report.findings else 0)


@log.command()
@config_option
@folder_option
def anchor(*, config_path: Path | None, folder: Path | None) -> None:
    """Print one line that stands for the whole log as it ends now. Keep it elsewhere.

    `echoless log verify --anchor LINE` shows later whether everything up to then is still there. The line tells how
    many events the log has, and nothing of what is in them.
    """

    async def run() -> None:
        async with reading(config_path, folder, words=False) as reader:
            click.echo(str(await reader.connection.run(anchor_of)))

    asyncio.run(run())


@log.command()
@config_option
@folder_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object with the sums.")
def rekey(*, config_path: Path | None, folder: Path | None, as_json: bool) -> None:
    """Bind all events to each other anew, under the log's newest key, while the bot is stopped.

    For a log that a release before 0.2 began: its events are bound by hashes that anybody can compute. And where
    somebody has seen the key: run `echoless key rotate` and `echoless key renew` first.

    The log is verified before; nothing is changed where something is wrong. It is one transaction, which needs as much
    room on the disk as the log itself. Take a new anchor afterwards: older ones do not fit any more.
    """
    location = log_location(settings(config_path, folder))
    with progress() as bar:
        task = bar.add_task("rekey", total=None)
        events = relink(
            location,
            clock=lambda: time.time_ns() // 1000,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        say_json({"events": events})
    else:
        say(f"{count_text(events, 'event')} bound anew. Take a new anchor: echoless log anchor")


@log.command()
@config_option
@folder_option
@selecting
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file, not to stdout.")
@click.option("--force", is_flag=True, help="Replace the file where there is one.")
@click.option("--words/--no-words", default=False, show_default=True, help="Include what people and the bot wrote.")
@archive_option
def export(
    *,
    config_path: Path | None,
    folder: Path | None,
    selection: Selection,
    output: Path | None,
    force: bool,
    words: bool,
    archive: Path | None,
) -> None:
    """Write events as JSON Lines, oldest first: all of them unless options choose some.

    A file appears under its name once it is whole, readable by its owner alone.
    """

    async def run(write: Callable[[str], object]) -> None:
        async with reading(config_path, folder, words=words, archive=archive) as reader:
            query = await selection.query(reader)
            total = sum(stream.version for stream in await reader.streams())
            with progress() as bar:
                task = bar.add_task("export", total=total if query == Query() else None)
                async for line in chosen(reader, query, limit=0, words=words):
                    write(to_json(line.to_json()) + "\n")
                    bar.advance(task)

    if output is None:
        asyncio.run(run(lambda row: click.echo(row, nl=False)))
        return
    with new_file(output, force=force) as file:
        asyncio.run(run(file.write))
