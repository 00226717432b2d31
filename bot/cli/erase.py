"""``echoless erase``: words go from the log, and the events stay."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from bot.cli.options import config_option, folder_option
from bot.cli.output import count_text, printable, progress
from bot.cli.points import CHANNEL, PERSON, IdType, MessageType, PointType
from bot.cli.records import say
from bot.cli.replay_calls import ReplayTarget
from bot.eventlog.backup import backups_in, log_id_of
from bot.eventlog.restoring import REPLACED, replaced_in
from bot.moderation.command import Report
from bot.moderation.commands import ERASE, PREVIEW_OF_ERASE
from bot.moderation.points import Point, parse_server

SERVER = IdType("server", parse_server, "its id, as Discord copies it in developer mode")


@click.command()
@click.option("--person", "person_id", type=PERSON, help="What this person wrote, and the answers to it: id or <@id>.")
@click.option("--message", type=MessageType(), help="This message with its edits: its id or link; the bot's, too.")
@click.option("--answers", is_flag=True, help="With --message: the answers to it, too.")
@click.option("--channel", "channel_id", type=CHANNEL, help="Only in this channel, thread or DM: its id, or a link.")
@click.option("--server", "server_id", type=SERVER, help="Only in this server: its id.")
@click.option("--before", type=PointType(), help="Only what was recorded before then: a time, or an age such as 90d.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option("--dry-run", is_flag=True, help="Show what would be erased, and erase nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@config_option
@folder_option
def erase(
    *,
    message: Point | None,
    before: Point | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    config_path: Path | None,
    folder: Path | None,
    **given: Any,  # noqa: ANN401 - the other options, as the command takes them
) -> None:
    """Erase words from the log, for ever.

    At least one of --person, --message, --channel, --server and --before says which; several of them narrow it down.
    Names, names of files, edits and summaries that saw the words go with them. The events stay, without words, and
    each channel's timeline says what was erased, when and by whom. It is shown first what would go.

    A running bot does it itself. Backups keep the words until newer ones take their place.
    """
    target = ReplayTarget.of(config_path, folder, as_json=as_json)
    given["message_id"] = message.message_id if message else None
    # As text with its zone, because the bot's process may have another one.
    given["before"] = None if before is None else str(before)
    if not any(value for name, value in given.items() if name != "answers"):
        raise click.UsageError("Say which words: --person, --message, --channel, --server or --before.")
    preview = asyncio.run(target.ask(PREVIEW_OF_ERASE, given))
    if dry_run or not preview.data["changed"]:
        target.show(preview)
    elif yes or _confirmed(preview):
        _tell(target, asyncio.run(_erased(target, given)))


async def _erased(target: ReplayTarget, given: dict[str, Any]) -> Report:
    with progress() as bar:
        task = bar.add_task("erase", total=None)
        return await target.ask(ERASE, given, lambda done, total: bar.update(task, completed=done, total=total))


def _confirmed(preview: Report) -> bool:
    """Show what would be erased and ask; tell whether to go on."""
    if not sys.stdin.isatty():
        raise click.UsageError("There is nobody here to confirm it: add --yes, or look first with --dry-run.")
    click.echo("\n".join((preview.title, *preview.lines)), err=True)
    if not click.confirm("Erase?", err=True):
        click.echo("Nothing was erased.", err=True)
        click.get_current_context().exit(1)
    return True


def _tell(target: ReplayTarget, report: Report) -> None:
    """Write the report, and which copies of the log still hold the words."""
    folder = target.config.backup.folder
    backups = len(backups_in(folder, log_id_of(target.location.database)))
    replaced = len(replaced_in(target.location.folder))
    report.data.update(backups=backups, replaced=replaced)
    target.show(report)
    if target.as_json:
        return
    if backups:
        where = printable(str(folder))
        say(f"{count_text(backups, 'backup')} in {where} may still hold them, until newer ones take their place.")
    if replaced:
        where = printable(str(target.location.folder / REPLACED))
        say(f"{count_text(replaced, 'log')} that a backup replaced may still hold them: delete {where}*.")
