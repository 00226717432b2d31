"""``echoless log pull``: the log in an engine becomes a log of SQLite in a folder."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import click

from bot.app.engines import engine_of
from bot.cli.options import config_option, log_location, settings
from bot.cli.output import count_text, printable, progress, say_json
from bot.cli.records import say
from bot.errors import ConfigError
from bot.eventlog import pulling
from bot.eventlog.location import Location
from bot.eventlog.master import given_key
from bot.eventlog.remote.opening import Engine


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def pull(*, folder: Path, config_path: Path | None, as_json: bool) -> None:
    """Copy the log from the engine that log.engine names into FOLDER; the engine stays as it is.

    The bot has to be stopped, standbys too. The copy is verified, and is a log of its own: no part of it is needed
    from the engine any more. It may be stopped at any time and begun again, and then goes on. Afterwards start the bot
    with log.path = FOLDER and log.engine = "sqlite".
    """
    config = settings(config_path)
    source, divided = log_location(config), config.shards.partitions
    copy, count, name = Location(folder, source.key, source.key_file), 0, ""
    for partition in range(divided):
        engine = engine_of(config.of_partition(partition), os.environ)
        if engine is None:
            raise ConfigError("log.engine does not name an engine: set it to the one from which the log comes.")
        name = engine.partition.name
        count += _pulled(copy.of(partition, divided), given_key(source), engine)
    if as_json:
        say_json({"events": count, "folder": str(folder)})
        return
    say(f"{count_text(count, 'event')} copied from {name} into {printable(str(folder))}, and verified.")
    say(
        f'It is a log of its own: set log.path to that folder and log.engine to "sqlite". Start no bot on the log in '
        f"{name} again."
    )


def _pulled(location: Location, master: bytes, engine: Engine) -> int:
    """Copy one partition; return how many events it has."""
    with progress() as bar:
        task = bar.add_task(f"pull {location.partition}" if location.partitions > 1 else "pull", total=None)

        def shown(done: int) -> None:
            bar.update(task, completed=done)

        return asyncio.run(pulling.pull(location, master, engine, clock=lambda: time.time_ns() // 1000, progress=shown))
