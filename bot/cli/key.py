"""``echoless key``: another key for a log at rest."""

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
from bot.config.model import KEY_VARIABLE
from bot.errors import ConfigError
from bot.eventlog import rekeying, rekeying_engine


@click.group()
def key() -> None:
    """Give a log another key: rotate, renew. The bot has to be stopped.

    A log has a master key, which its owner keeps (vault.key, the setting log.key_file, or ECHOLESS_VAULT_KEY). It
    opens the log's own keys, which seal the words and bind the events. Where somebody else has seen the master key,
    run all three: `echoless key rotate`, `echoless key renew`, `echoless log rekey`. Where an engine keeps the log, the
    first two change it there too, and the third is for logs in a folder.
    """


@key.command()
@config_option
@folder_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def rotate(*, config_path: Path | None, folder: Path | None, as_json: bool) -> None:
    """Make another master key; the old one does not open this log any more.

    This takes a moment, however long the log is: no event and no word is written anew. The new key takes the place of
    the old one in the key file, and the old one stays beside it, in vault.key.old, because backups made until now need
    it. Where ECHOLESS_VAULT_KEY holds the key, the new one is in vault.key.new, for you to put it there.
    """
    config = settings(config_path, folder)
    location, engine = log_location(config), engine_of(config, os.environ)
    if location.partitions > 1:
        raise ConfigError("The partitions of a log share its key, and it can't be changed for all of them at once yet.")
    if engine is None:
        rekeying.rotate(location, clock=_now)
    else:
        asyncio.run(rekeying_engine.rotate(location, engine, clock=_now))
    given = location.key is not None
    path = location.next_key_path if given else location.key_path
    if as_json:
        say_json({"key_file": str(path), "set_variable": KEY_VARIABLE if given else None})
    elif given:
        say(f"The new key is in {printable(str(path))}: put it into {KEY_VARIABLE}, and delete the file.")
        say("Keep the old one with the backups that were made until now: they need it.")
    else:
        say(f"The new key is in {printable(str(path))}. Keep a copy apart from the log.")
        say(f"Backups that were made until now need the old one: {printable(str(location.old_key_path))}")
    if engine is not None and not as_json:
        say("Give the new key to every machine that may run the bot: none starts, or takes over, with the old one.")


@key.command()
@config_option
@folder_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def renew(*, config_path: Path | None, folder: Path | None, as_json: bool) -> None:
    """Seal all words anew, under a fresh key of the log.

    The master key stays. Where an engine keeps the log, they are sealed anew there, and in each folder when it next
    follows. It may be stopped at any time and begun again, and then goes on. Backups that were made until now stay
    readable.
    """
    config = settings(config_path, folder)
    location, engine = log_location(config), engine_of(config, os.environ)
    with progress() as bar:
        task = bar.add_task("renew", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        if engine is None:
            events = rekeying.renew(location, clock=_now, progress=show)
        else:
            events = asyncio.run(rekeying_engine.renew(location, engine, clock=_now, progress=show))
    if as_json:
        say_json({"events": events})
    else:
        say(f"The words of {count_text(events, 'event')} are sealed anew.")


def _now() -> int:
    return time.time_ns() // 1000
