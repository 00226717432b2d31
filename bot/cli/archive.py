"""``echoless archive``: one channel's events and words in a sealed file, and if wanted no longer in the log."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from bot import __version__
from bot.cli.backup import bars
from bot.cli.options import config_option, folder_option, masters_of
from bot.cli.output import count_text, printable, progress, say_json, size_text
from bot.cli.points import CHANNEL
from bot.cli.records import say
from bot.cli.replay_calls import ReplayTarget
from bot.core.streams import stream_of
from bot.eventlog import archive as archives
from bot.eventlog.location import Location
from bot.eventlog.log import require_log
from bot.eventlog.master import vault_of
from bot.moderation.command import Report
from bot.moderation.commands import ERASE_ARCHIVED
from bot.times import iso_time, utc_time


@click.command()
@click.argument("channel_id", type=CHANNEL, metavar="CHANNEL")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@folder_option
@click.option("--erase", is_flag=True, help="Then erase the words in the log, for good: the archive alone has them.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: what the archive says of itself, ids as text.")
def archive(
    *, channel_id: int, file: Path, config_path: Path | None, folder: Path | None, erase: bool, as_json: bool
) -> None:
    """Write a channel's events and words into one sealed file, while the bot runs or not.

    CHANNEL is the id of a channel, thread or DM, or a link. The file appears once it is verified, and takes the place
    of no other. `echoless log show`, `verify` and `export` read it with --archive FILE; they need the key that the log
    has now, and not the log.

    Without --erase the log stays as it is. With it, the words go from the log, which keeps the events and a receipt
    with the file's SHA-256. Stopped before that is done, the same command goes on. Nobody can take words out of an
    archive later: whoever has to, deletes the file.
    """
    target = ReplayTarget.of(config_path, folder, as_json=as_json)
    location, stream = target.location, stream_of(channel_id)
    require_log(location)
    with progress() as bar:
        if not (erase and os.path.lexists(file)):
            _take(location, file, stream, bars(bar))
        # As it stands there, whoever else may have written it.
        made = archives.look(file, masters_of(location))
        archives.require_of(location.database, made, stream)
        report = asyncio.run(_erased(target, channel_id, made, bars(bar))) if erase else None
    if as_json:
        say_json(_to_json(made) | (report.data if report else {}))
        return
    say(_to_text(made))
    if report:
        say(report.title)


def _take(location: Location, file: Path, stream: str, show: Callable[[str, int, int], None]) -> None:
    archives.take(
        location.database,
        file,
        stream,
        vault=vault_of(location),
        release=__version__,
        now=time.time_ns() // 1000,
        progress=partial(show, "archive"),
    )


async def _erased(
    target: ReplayTarget, channel_id: int, made: archives.Archive, show: Callable[[str, int, int], None]
) -> Report:
    """Have the words erased, by the bot if one runs."""
    arguments = {"channel_id": channel_id, "version": made.manifest.version, "digest": made.digest}
    return await target.ask(ERASE_ARCHIVED, arguments, partial(show, "erase"))


def _to_json(made: archives.Archive) -> dict[str, Any]:
    times = {name: iso_time(getattr(made.manifest, name)) for name in ("taken_at", "since", "until")}
    sizes = {"bytes": made.path.stat().st_size, "sha256": made.digest}
    return {"file": str(made.path), **asdict(made.manifest), **times, **sizes}


def _to_text(made: archives.Archive) -> str:
    manifest = made.manifest
    return (
        f"{printable(str(made.path))}: {count_text(manifest.version, 'event')} of {manifest.stream}, the words of "
        f"{manifest.words:,} of them, {utc_time(manifest.since)} to {utc_time(manifest.until)}, "
        f"{size_text(made.path.stat().st_size)}, verified and sealed. SHA-256: {made.digest}"
    )
