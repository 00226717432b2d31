"""``echoless check``: what is wrong with the settings, with Discord's side and with the log, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from bot.answering import responder_of, why_silent, why_unasked
from bot.cli.check_discord import check_discord
from bot.cli.check_log import check_log
from bot.cli.check_model import check_models
from bot.cli.check_result import Result, Status, failed, fine, warned
from bot.cli.options import config_option, folder_option, settings
from bot.cli.output import console, count_text, printable, say_json
from bot.config import Config
from bot.errors import EcholessError

_STYLES = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "bold red"}


@click.command()
@config_option
@folder_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def check(*, config_path: Path | None, folder: Path | None, as_json: bool) -> None:
    """Check settings, models, token, gateway, intents, permissions, log and clock: what is wrong, and what to do.

    It may run beside the bot, and changes nothing. Exit code 1 when something fails.
    """
    results = asyncio.run(look(config_path, folder))
    ok = all(result.status is not Status.FAIL for result in results)
    if as_json:
        say_json({"ok": ok, "checks": [result.to_json() for result in results]})
    else:
        _print(results)
    click.get_current_context().exit(0 if ok else 1)


async def look(config_path: Path | None, folder: Path | None) -> list[Result]:
    """Check everything; where the settings are wrong, nothing else can be looked at."""
    try:
        config = settings(config_path, folder)
        answering = responder_of(config)
    except EcholessError as error:
        return [failed("settings", str(error))]
    log, guilds = await check_log(config)
    models = await check_models(config, answering)
    return [_settings(config), *models, *await check_discord(config, guilds), *log]


def _settings(config: Config) -> Result:
    silent = why_silent(config)
    if silent:
        return warned("settings", "Nothing will be answered.", silent)
    unasked = why_unasked(config)
    if unasked:
        return warned("settings", "The language model will not be asked.", unasked)
    return fine("settings", f"valid, with {count_text(len(config.rules), 'rule')}")


def _print(results: Sequence[Result]) -> None:
    table = Table("check", "", "what was found", "what to do")
    for result in results:
        status = Text(result.status, style=_STYLES[result.status])
        table.add_row(result.name, status, printable(result.found), printable(result.todo))
    for column in table.columns[2:]:
        column.overflow = "fold"
    console().print(table)
