"""``echoless backup``: a copy of the log in one file, while the bot runs or not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from bot import __version__
from bot.cli.options import config_option, folder_option, log_location, settings
from bot.cli.output import count_text, printable, progress, say_json, size_text
from bot.cli.records import say
from bot.config.values import parse_duration
from bot.errors import EcholessError, KeyMismatch
from bot.eventlog import backup as backups
from bot.eventlog.key_file import write_key
from bot.eventlog.location import Location
from bot.eventlog.log import require_log
from bot.eventlog.master import find_master, vault_of
from bot.times import iso_time, span, utc_time


@dataclass(frozen=True, slots=True)
class _Taken:
    """A backup that was made, and the older ones that were removed for it."""

    path: Path
    manifest: backups.Manifest
    took: int
    removed: list[Path]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        manifest = asdict(self.manifest) | {"taken_at": iso_time(self.manifest.taken_at)}
        sizes = {"bytes": self.path.stat().st_size, "took_us": self.took}
        return {"file": str(self.path), **manifest, **sizes, "removed": [str(path) for path in self.removed]}

    def to_text(self) -> str:
        """Return it as a sentence."""
        verified = "verified" if self.manifest.with_key else "verified without the key: not its hashes and words"
        removed = f" {count_text(len(self.removed), 'older backup')} removed." if self.removed else ""
        return (
            f"{printable(str(self.path))}: {count_text(self.manifest.position, 'event')} "
            f"as of {utc_time(self.manifest.taken_at)}, {size_text(self.path.stat().st_size)}, {verified} "
            f"in {span(self.took)}.{removed}"
        )


def _every(_ctx: click.Context, _param: click.Parameter, value: str | None) -> timedelta | None:
    try:
        found = None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter('give a duration such as "6h" or "1d"') from error
    if found is not None and not found:
        raise click.BadParameter("give a duration longer than 0s")
    return found


@click.command()
@click.argument("target", type=click.Path(path_type=Path), metavar="FILE|FOLDER")
@config_option
@folder_option
@click.option("--keep", type=click.IntRange(1), help="In a folder: remove all but the newest so many of this log.")
@click.option("--every", metavar="DURATION", callback=_every, help="In a folder: take one that often, until stopped.")
@click.option(
    "--with-key", "key_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the log's key to this file."
)
@click.option("--force", is_flag=True, help="Replace the file where there is one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a backup: the manifest, ids as text.")
def backup(
    *,
    target: Path,
    config_path: Path | None,
    folder: Path | None,
    keep: int | None,
    every: timedelta | None,
    key_file: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Copy the log into one file, while the bot runs or not.

    The copy is of one moment, and is verified before it gets its name. In a folder its name is made of the log and the
    time. `echoless restore` takes it back. It is a database like the log's own, with a manifest in it: as events.db in
    a folder of its own, every command that reads a log reads it.

    The key is not in it: without it nobody can read the words. Keep a copy of it elsewhere, such as one that
    --with-key makes.
    """
    location = log_location(settings(config_path, folder))
    if (keep or every) and not target.is_dir():
        raise click.UsageError(f"--keep and --every need a folder, and {target} is none.")
    require_log(location)
    if key_file is not None:
        write_key(key_file, find_master(location))
        if not as_json:
            say(f"The key is in {printable(str(key_file))}. Keep it apart from the backup.")
    _tell(_take(location, target, keep, force=force), as_json=as_json)
    while every is not None:
        time.sleep(every.total_seconds())
        try:
            _tell(_take(location, target, keep, force=force), as_json=as_json)
        except EcholessError as error:
            click.echo(f"Error: {error}", err=True)


def _take(location: Location, target: Path, keep: int | None, *, force: bool) -> _Taken:
    now, began = time.time_ns() // 1000, time.monotonic_ns()
    log_id = backups.log_id_of(location.database)
    try:
        vault = vault_of(location)
    except KeyMismatch as error:
        click.echo(f"{error} So hashes and words are copied and not verified.", err=True)
        vault = None
    path = target / backups.name_at(log_id, now) if target.is_dir() else target
    with progress() as bar:
        manifest = backups.take(
            location.database, path, vault=vault, release=__version__, now=now, force=force, progress=bars(bar)
        )
    removed = backups.prune(target, log_id, keep) if keep else []
    return _Taken(path, manifest, (time.monotonic_ns() - began) // 1000, removed)


def bars(bar: Any) -> Callable[[str, int, int], None]:  # noqa: ANN401 - rich's
    """Return what moves a bar for each thing that is done."""
    tasks: dict[str, Any] = {}

    def show(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done, total=max(total, done))

    return show


def _tell(taken: _Taken, *, as_json: bool) -> None:
    if as_json:
        say_json(taken.to_json())
    else:
        say(taken.to_text())
