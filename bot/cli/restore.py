"""``echoless restore``: a backup in the place of the log."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import click

from bot.cli.backup import bars
from bot.cli.options import config_option, log_location, one_folder_option, program, settings
from bot.cli.output import count_text, printable, progress, say_json
from bot.cli.records import say
from bot.errors import KeyMismatch
from bot.eventlog.key_file import has_key, read_key, write_key
from bot.eventlog.location import Location
from bot.eventlog.restoring import Restored
from bot.eventlog.restoring import restore as put_back


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@one_folder_option
@click.option(
    "--with-key",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file that holds the log's key, where the folder has none.",
)
@click.option("--force", is_flag=True, help="Even over a newer log, another log, or one that can't be read.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def restore(
    *,
    file: Path,
    config_path: Path | None,
    folder: Path | None,
    key_file: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Put a backup in the place of the log, while the bot is stopped.

    The backup is verified first. What is there now moves into a folder beside it, replaced-TIME, and is not deleted.
    Words that were erased since the backup are erased again, where the log that is there still tells.

    At its next start the bot asks Discord what it had answered since the backup, and answers nothing twice. A question
    from that time of which no answer can be found is not answered either, since a moderator may have deleted the
    answer: `echoless replay pending` lists these, and `echoless replay retry` answers them.
    """
    location = log_location(settings(config_path, folder))
    master = _key(location, key_file)
    with progress() as bar:
        restored = asyncio.run(
            put_back(file, location, master, clock=lambda: time.time_ns() // 1000, force=force, progress=bars(bar))
        )
    if location.key is None and not has_key(location.key_path):
        write_key(location.key_path, master)
    _tell(restored, location, as_json=as_json)


def _key(location: Location, key_file: Path | None) -> bytes:
    """Return the key of the log; raise KeyMismatch when there are two that differ."""
    given = read_key(key_file) if key_file is not None else None
    if location.key is None and given is not None and not has_key(location.key_path):
        return given
    present = location.key if location.key is not None else read_key(location.key_path)
    if given not in (None, present):
        raise KeyMismatch(
            f"The key in {key_file} is not the one of the log in {location.folder}: move the other one away first "
            f"({'ECHOLESS_VAULT_KEY' if location.key is not None else location.key_path})."
        )
    return present


def _tell(restored: Restored, location: Location, *, as_json: bool) -> None:
    if as_json:
        say_json(
            {
                "folder": str(location.folder),
                "position": restored.position,
                "incarnation": restored.incarnation,
                "erased": restored.erased,
                "replaced": str(restored.replaced) if restored.replaced else None,
            }
        )
        return
    say(f"Restored up to position {restored.position:,}: incarnation {restored.incarnation} of the log.")
    if restored.erased:
        say(f"The words of {count_text(restored.erased, 'event')} were erased since the backup, and are again.")
    if restored.replaced:
        say(f"What was there is in {printable(str(restored.replaced))}: delete it once you don't need it.")
    say(f"Start the bot; then look at `{program()} replay pending`. Anchors from before do not fit any more.")
