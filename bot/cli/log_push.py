"""``echoless log push``: a log of SQLite goes into the engine that keeps it from then on."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import click

from bot.app.engines import engine_of
from bot.cli.options import config_option, folder_option, log_location, settings
from bot.cli.output import count_text, printable, progress, say_json
from bot.cli.records import say
from bot.errors import ConfigError
from bot.eventlog import pushing


@click.command()
@config_option
@folder_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def push(*, config_path: Path | None, folder: Path | None, as_json: bool) -> None:
    """Copy the log into the engine that log.engine names; the folder stays as it is.

    The bot has to be stopped. The log is verified first. It may be stopped at any time and begun again, and then goes
    on. Afterwards start the bot on an empty folder, with the same key.
    """
    config = settings(config_path, folder)
    engine = engine_of(config, os.environ)
    if engine is None:
        raise ConfigError("log.engine does not name an engine: set it to the one into which the log goes.")
    location = log_location(config)
    with progress() as bar:
        task = bar.add_task("push", total=None)
        count = asyncio.run(
            pushing.push(
                location,
                engine,
                clock=lambda: time.time_ns() // 1000,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        )
    if as_json:
        say_json({"events": count})
        return
    say(f"{count_text(count, 'event')} copied into {engine.partition.name}, which holds the whole log now.")
    say(
        f"Move {printable(str(location.database))} away and keep the key: the bot makes the folder anew from there. "
        "Do not run it on the old folder again."
    )
