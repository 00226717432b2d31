"""``echoless check``: problems of the settings, of Discord's side and of the log, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from bot.app import from_settings
from bot.app.consumers import consumers_of
from bot.app.events import feed_of
from bot.app.responders import responders_of, why_silent, why_unasked
from bot.app.tools import tools_of
from bot.cli.bot_settings import problems_of_rules
from bot.cli.check_answerer import check_answerer
from bot.cli.check_discord import check_discord, unchecked_discord
from bot.cli.check_engine import check_engine
from bot.cli.check_log import LogChecked, check_log, together
from bot.cli.check_model import check_files, check_models
from bot.cli.check_result import Result, Status, failed, fine, warned
from bot.cli.check_tools import check_tools
from bot.cli.options import config_option, exposed_dotenv, log_option, surveyed
from bot.cli.output import console, count_text, printable, say_json
from bot.config import Config, Survey
from bot.errors import ConfigError
from bot.eventlog.location import Location
from bot.times import span

_STYLES = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "bold red"}


@click.command()
@config_option
@log_option
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
    """Check everything. Wrong settings are replaced by defaults, and checks of those settings are left out."""
    found = surveyed(config_path, folder)
    log = await _log(found)
    discord, names = await _discord(found, log.guilds)
    settings = _settings(found)
    if exposed := exposed_dotenv(config_path):
        found_out = "Others on this machine may read the token and what else is in .env."
        settings.append(warned("settings", found_out, f"chmod 600 {exposed}"))
    models = await _models(found.config, settings)
    return [*settings, *models, *discord, log.log, *await _engine(found), log.history(names), _retention(found)]


async def _models(config: Config, settings: Sequence[Result]) -> list[Result]:
    """Ask an answerer elsewhere, the servers of the language models that the settings use, and those of their tools."""
    if any(result.status is Status.FAIL for result in settings):
        return []
    answering = responders_of(config)
    answerer = await check_answerer(answering)
    models = await check_models(config, answering)
    return [*answerer, *models, *check_files(config), *await check_tools(config)]


async def _discord(found: Survey, guilds: Collection[int]) -> tuple[list[Result], Mapping[int, str]]:
    if wrong := _wrong(found, "discord", "api_url", "gateway_url"):
        return unchecked_discord(found.config, wrong), {}
    return await check_discord(found.config, guilds)


async def _log(found: Survey) -> LogChecked:
    if wrong := _wrong(found, "log", "path", "key_file"):
        log, history = (warned(name, f"not checked: {wrong}") for name in ("log", "history"))
        return LogChecked(log, unread=history)
    config, shards = found.config, found.config.shards
    if shards.partitions == 1:
        return await check_log(config)
    numbers = sorted(sum((shards.sharding.owned_by(shard) for shard in shards.here), ()))
    return together({number: await check_log(config.of_partition(number)) for number in numbers})


async def _engine(found: Survey) -> list[Result]:
    if wrong := _wrong(found, "log", "engine", "postgresql", "dynamodb", "kafka", "engines"):
        return [warned("engine", f"not checked: {wrong}")]
    return await check_engine(found.config)


def _wrong(found: Survey, section: str, *keys: str) -> str:
    """Return which of the settings is wrong, as the reason for leaving a check out ("": none is)."""
    wrong = [f"{section}.{key}" for key in keys if {(section,), (section, key)} & found.wrong]
    return f"the settings are wrong: {', '.join(wrong)}" if wrong else ""


def _settings(found: Survey) -> list[Result]:
    config, problems = found.config, found.problems
    try:
        if problems:
            problems += problems_of_rules(config)
        else:
            responders_of(config)
            tools_of(config)
            consumers_of(config)
            feed_of(config, Location(config.log.path))
    except ConfigError as error:
        problems = error.problems
    if problems:
        return [failed("settings", problem) for problem in problems]
    if silent := why_silent(config):
        return [warned("settings", "Nothing will be answered.", silent)]
    if unasked := why_unasked(config):
        return [warned("settings", "Whoever is to answer after the rules will not be asked.", unasked)]
    return [fine("settings", f"valid, with {count_text(len(config.rules), 'rule')}")]


def _retention(found: Survey) -> Result:
    """Say how long words are kept."""
    if wrong := _wrong(found, "retention", "words", "servers", "channels"):
        return warned("retention", f"not checked: {wrong}")
    kept, ages = found.config.retention, from_settings.ages(found.config)
    if ages.least is None:
        return fine("retention", "words are kept until somebody has them erased")
    everywhere = "for ever" if ages.everywhere is None else span(ages.everywhere)
    others = [
        count_text(len(named), what) for named, what in ((kept.servers, "server"), (kept.channels, "channel")) if named
    ]
    apart = f"; {' and '.join(others)} otherwise" if others else ""
    return fine("retention", f"words are kept {everywhere}{apart}; the running bot erases older ones each hour")


def _print(results: Sequence[Result]) -> None:
    table = Table("check", "", "what was found", "what to do")
    for result in results:
        status = Text(result.status, style=_STYLES[result.status])
        table.add_row(result.name, status, printable(result.found), printable(result.todo))
    for column in table.columns[2:]:
        column.overflow = "fold"
    console().table(table)
