"""``echoless run``: the bot itself."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from bot.app.engines import secrets_of
from bot.app.running import run_bot
from bot.cli.bot_settings import bot_settings
from bot.cli.options import config_option, log_location, log_option
from bot.config import Config
from bot.interpreter import settle
from bot.telemetry import configure_logging


@click.command()
@config_option
@log_option
@click.option(
    "--accept-unknown",
    is_flag=True,
    help="Begin on a log to which a newer release wrote what this one does not know: it is skipped, and kept.",
)
@click.option("--standby", is_flag=True, help="Follow a log in an engine, and go on when its owner ends.")
@click.option("--take-over", is_flag=True, help="Take a log in an engine from the process that owns it now.")
def run(config_path: Path | None, folder: Path | None, **how: bool) -> None:
    """Connect to Discord, record what is said and answer what is asked.

    The token comes from DISCORD_TOKEN in the environment or in the file .env beside the settings, or from the file that
    discord.token_file names. Stop it with Ctrl-C: sends under way end first, and it leaves within ten seconds, with
    exit code 130 (after SIGTERM: 0).
    """
    config = bot_settings(config_path, folder)
    token = config.token(os.environ).get_secret_value()
    secrets = (token, *secrets_of(config, os.environ))
    configure_logging(config.telemetry.log_level, config.telemetry.log_format, sys.stderr, secrets=secrets)
    if signal.SIGINT in asyncio.run(_run(config, token, how)):
        raise click.Abort


async def _run(config: Config, token: str, how: Mapping[str, bool]) -> set[signal.Signals]:
    """Run the bot with the flags of the command line; return the signals that asked it to stop."""
    asked: set[signal.Signals] = set()
    stopping = asyncio.Event()

    def stop(number: signal.Signals) -> None:
        asked.add(number)
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    settle()
    await run_bot(config, token, log_location(config), stopping, **how)
    return asked
