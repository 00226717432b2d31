"""``echoless archive``: one channel's events and words in a sealed file, and if wanted no longer in the log."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bot import __version__
from bot.cli.options import config_option, folder_option, log_location, settings
from bot.cli.output import count_text, printable, progress, say_json, size_text
from bot.cli.points import CHANNEL
from bot.cli.records import say
from bot.core.streams import stream_of
from bot.eventlog import archive as archives
from bot.eventlog.log import require_log, vault_of
from bot.times import iso_time, utc_time


@click.command()
@click.argument("channel_id", type=CHANNEL, metavar="CHANNEL")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@folder_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object: what the archive says of itself, ids as text.")
def archive(*, channel_id: int, file: Path, config_path: Path | None, folder: Path | None, as_json: bool) -> None:
    """Write a channel's events and words into one sealed file, while the bot runs or not.

    CHANNEL is the id of a channel, thread or DM, or a link.
    """
    location = log_location(settings(config_path, folder))
    require_log(location)
    with progress() as bar:
        task = bar.add_task("archive", total=None)
        made = archives.take(
            location.database,
            file,
            stream_of(channel_id),
            vault=vault_of(location),
            release=__version__,
            now=time.time_ns() // 1000,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        say_json(_to_json(made))
    else:
        say(_to_text(made))


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
